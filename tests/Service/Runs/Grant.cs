using Checkpointer.Contracts.Runs;
using Checkpointer.Service.Runs;

namespace Checkpointer.Service.Tests.Runs;

/// <summary>A grant of a random history: the state just before it, with every rank at the barrier, and its plan.</summary>
internal sealed record Grant(RunState Before, RecoveryPlan Plan);
