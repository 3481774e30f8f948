using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs.Commands;
using Checkpointer.Service.Runs.Events;
using Checkpointer.Service.Runs.Incidents;

namespace Checkpointer.Service.Runs.Ledger;

/// <summary>
/// What a report of steps comes to. Each new step is recorded; a repeat with equal values changes nothing; one with other
/// values keeps the first ones and is refused after the rest of the report has been recorded.
/// </summary>
internal static class LedgerDecisions
{
    public static Decision<ReportStepsResult> Decide(RunState state, ReportSteps body, DateTimeOffset now)
    {
        if (StepReportChecks.Check(body, out var reports) is { } malformed)
        {
            return Decision<ReportStepsResult>.Refuse(malformed);
        }

        if (Fence.Check(state, body.Attempt) is { } fenced)
        {
            return Decision<ReportStepsResult>.Refuse(fenced);
        }

        return new Writer(state, body.Attempt, now).Write(reports);
    }

    private sealed class Writer(RunState state, Attempt attempt, DateTimeOffset now)
    {
        private readonly List<RunEvent> _events = [];
        private readonly IncidentDrafts _drafts = new(state.Incidents, now);
        private readonly long _resumed = state.Attempts.Current!.ResumedFrom?.Step.Value ?? 0;
        private long _newest = state.Ledger.NewestOf(attempt)?.Value ?? state.Attempts.Current!.ResumedFrom?.Step.Value ?? 0;
        private bool _diverged = state.Attempts.Current!.Diverged;

        public Decision<ReportStepsResult> Write(IReadOnlyList<StepReport> reports)
        {
            Refusal? refusal = null;
            foreach (var report in reports)
            {
                if (report.Step.Value > _newest)
                {
                    Record(report);
                }
                else
                {
                    refusal = Repeat(report) ?? refusal;
                }
            }

            return refusal is not null
                ? Decision<ReportStepsResult>.Refuse(refusal.Code, refusal.Message, _events)
                : Decision<ReportStepsResult>.Accept(
                    new ReportStepsResult
                    {
                        LedgerStep = new Step(_newest),
                        Incidents = [.. _events.SelectMany(happened => happened.Incidents ?? [])],
                    },
                    _events);
        }

        private void Record(StepReport report)
        {
            var incidents = new List<Incident>();
            if (report.Step.Value > _newest + 1)
            {
                incidents.Add(_drafts.Raise(
                    IncidentKind.LedgerGap, attempt, report.Step, [],
                    $"Step {report.Step} was reported after step {_newest}: the steps between are missing from the ledger."));
            }

            var before = FindReplayed(report.Step);
            var differences = before is null ? [] : StepValues.Differences(before.Report, report);
            if (differences.Count > 0 && !_diverged)
            {
                _diverged = true;
                incidents.Add(_drafts.Raise(
                    IncidentKind.ReplayDivergence, attempt, report.Step, [],
                    $"Step {report.Step} came out otherwise than in attempt {before!.Attempt}: {string.Join(", ", differences)} "
                    + "differ. Something is corrupt or not deterministic. Further steps of this attempt that differ are marked in "
                    + "the ledger."));
            }

            if (CursorChecks.OfStep(state, attempt, report, _drafts) is { } mismatch)
            {
                incidents.Add(mismatch);
            }

            _events.Add(new StepRecorded
            {
                At = now,
                Attempt = attempt,
                Report = report,
                Replayed = before is not null,
                Diverged = differences.Count > 0,
                Incidents = incidents.Count == 0 ? null : incidents,
            });
            _newest = report.Step.Value;
        }

        private Refusal? Repeat(StepReport report)
        {
            if (state.Ledger.Find(attempt, report.Step) is not { } recorded)
            {
                return report.Step.Value <= _resumed
                    ? OutOfOrder(report, $"it resumed from step {_resumed}")
                    : OutOfOrder(report, $"its ledger is at step {_newest}");
            }

            var differences = StepValues.Differences(recorded.Report, report);
            if (differences.Count == 0)
            {
                return null;
            }

            if (!state.Ledger.Disputed.Contains(report.Step.Value))
            {
                _events.Add(new StepDisputed
                {
                    At = now,
                    Attempt = attempt,
                    Step = report.Step,
                    Incidents =
                    [
                        _drafts.Raise(
                            IncidentKind.StepRepeated, attempt, report.Step, [],
                            $"Step {report.Step} was reported twice by attempt {attempt} with different values "
                            + $"({string.Join(", ", differences)}): it was applied twice. The ledger keeps the first."),
                    ],
                });
            }

            return new Refusal(
                ErrorCode.StepRepeated,
                $"Attempt {attempt} of run {state.Run} reported step {report.Step} already, with other values of "
                + $"{string.Join(", ", differences)}. The ledger keeps the first.");
        }

        private Refusal OutOfOrder(StepReport report, string why) => new(
            ErrorCode.StepOutOfOrder, $"Attempt {attempt} of run {state.Run} cannot report step {report.Step}: {why}.");

        // The newest earlier attempt that ran the step from a state which this lineage passed too.
        private LedgerEntry? FindReplayed(Step step)
        {
            for (var earlier = attempt.Value - 1; earlier >= Attempt.MinValue; earlier--)
            {
                var start = state.Attempts.Find(new Attempt(earlier))!.ResumedFrom;
                if ((start is not { } from || state.Attempts.Path.Contains(from))
                    && state.Ledger.Find(new Attempt(earlier), step) is { } entry)
                {
                    return entry;
                }
            }

            return null;
        }
    }
}
