using Checkpointer.Contracts.Runs;
using Checkpointer.Service.Runs.Commands;

namespace Checkpointer.Service.Runs.Joining;

/// <summary>What a join comes to.</summary>
internal static class JoinDecisions
{
    public static Decision<JoinResult> Decide(RunState state, JoinRun body, DateTimeOffset now) => throw new NotImplementedException();
}
