using Checkpointer.Contracts.Runs;
using Checkpointer.Service.Runs.Ledger;

namespace Checkpointer.Service.Runs.Commands;

/// <summary>Rank 0 completed steps (<c>POST …/reports</c>).</summary>
internal sealed record RecordSteps(ReportSteps Body) : RunCommand<ReportStepsResult>
{
    internal override Decision<ReportStepsResult> Decide(RunState state, DateTimeOffset now) => LedgerDecisions.Decide(state, Body, now);
}
