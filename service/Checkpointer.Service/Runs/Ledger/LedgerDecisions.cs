using Checkpointer.Contracts.Runs;
using Checkpointer.Service.Runs.Commands;

namespace Checkpointer.Service.Runs.Ledger;

/// <summary>What a report of steps comes to.</summary>
internal static class LedgerDecisions
{
    public static Decision<ReportStepsResult> Decide(RunState state, ReportSteps body, DateTimeOffset now) => throw new NotImplementedException();
}
