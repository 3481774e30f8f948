using System.Text;
using Checkpointer.Contracts.Runs;
using Checkpointer.Service.Runs.Commands;

namespace Checkpointer.Service.Runs.Ledger;

/// <summary>Checks of a report of steps by itself, before the run's state comes into it.</summary>
internal static class StepReportChecks
{
    /// <summary>Why <paramref name="body"/> can't be one, or null and its reports, normalised.</summary>
    public static Refusal? Check(ReportSteps body, out IReadOnlyList<StepReport> reports)
    {
        reports = [];
        if (body.Reports is not { Count: > 0 } given)
        {
            return RequestText.Invalid("reports must have at least one element.");
        }

        if (given.Count > RunLimits.MaxReportedSteps)
        {
            return RequestText.TooMany("reports", RunLimits.MaxReportedSteps);
        }

        var normalised = new List<StepReport>(given.Count);
        foreach (var report in given)
        {
            if (CheckOne(report, normalised.Count == 0 ? 0 : normalised[^1].Step.Value) is { } refusal)
            {
                return refusal;
            }

            try
            {
                normalised.Add(StepValues.Normalise(report));
            }
            catch (InvalidOperationException)
            {
                // A string in the cursor has an escaped half of a surrogate pair: no text that could be kept.
                return RequestText.Invalid($"data_cursor of step {report.Step} is no Unicode text.");
            }

            if (normalised[^1].DataCursor is { } cursor
                && Encoding.UTF8.GetByteCount(cursor.GetRawText()) > RunLimits.MaxDataCursorBytes)
            {
                return new Refusal(
                    Formats.Errors.ErrorCode.LimitExceeded,
                    $"data_cursor of step {report.Step} is longer than {RunLimits.MaxDataCursorBytes} bytes.");
            }
        }

        reports = normalised;
        return null;
    }

    private static Refusal? CheckOne(StepReport? report, long previous)
    {
        if (report is null)
        {
            return RequestText.Invalid("reports has an element that is null.");
        }

        if (report.Step.Value <= previous)
        {
            return RequestText.Invalid($"reports must be of rising steps from 1; {report.Step} comes after {previous}.");
        }

        return report.RngDigest is null
            ? null
            : RequestText.CheckLength(report.RngDigest, "rng_digest", RunLimits.MaxRngDigestLength);
    }
}
