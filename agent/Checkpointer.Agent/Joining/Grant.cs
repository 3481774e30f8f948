using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Agent.Joining;

/// <summary>What the service granted to one rank: an attempt, and the plan that all of its ranks restore by.</summary>
/// <param name="Run">The run.</param>
/// <param name="Rank">The rank.</param>
/// <param name="WorldSize">Number of ranks of the attempt.</param>
/// <param name="Attempt">The attempt: the fence of everything that the rank does.</param>
/// <param name="Plan">From where it resumes.</param>
internal sealed record Grant(RunId Run, Rank Rank, int WorldSize, Attempt Attempt, RecoveryPlan Plan);
