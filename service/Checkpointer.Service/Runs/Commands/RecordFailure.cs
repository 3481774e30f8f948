using Checkpointer.Contracts.Runs;
using Checkpointer.Service.Runs.Failures;

namespace Checkpointer.Service.Runs.Commands;

/// <summary>A rank's process ended without closing its session. The first of an attempt is an incident.</summary>
internal sealed record RecordFailure(FailureReport Body) : RunCommand<Acknowledged>
{
    internal override Decision<Acknowledged> Decide(RunState state, DateTimeOffset now) =>
        FailureDecisions.Decide(state, Body, now);
}
