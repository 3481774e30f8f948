using System.Text;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs.Commands;
using Checkpointer.Service.Runs.Ledger;

namespace Checkpointer.Service.Runs.Snapshots;

/// <summary>Checks of a snapshot report by itself, before the run's state comes into it.</summary>
internal static class SnapshotReportChecks
{
    /// <summary>Why <paramref name="body"/> can't be one, or null and what it says of the data cursor, normalised.</summary>
    public static Refusal? Check(SnapshotReport body, out string? cursor)
    {
        cursor = null;
        if (body.Step.Value <= Step.MinValue)
        {
            return RequestText.Invalid("step must be 1 or more: nothing was trained before.");
        }

        return RequestText.CheckName(body.Node, "node", RunLimits.MaxNodeLength, RequestText.NameCharacters)
            ?? body.Outcome switch
            {
                SnapshotOutcome.Sealed => ImageRequest.Check(body.Image) ?? CheckCursor(body, out cursor),
                SnapshotOutcome.Refused or SnapshotOutcome.Discarded =>
                    RequestText.CheckLength(body.Reason ?? "", "reason", RunLimits.MaxReasonLength),
                _ => RequestText.Invalid("outcome must be sealed, refused or discarded."),
            };
    }

    private static Refusal? CheckCursor(SnapshotReport body, out string? cursor)
    {
        cursor = null;
        try
        {
            cursor = StepValues.TextOf(body.DataCursor);
        }
        catch (InvalidOperationException)
        {
            // A string in it has an escaped half of a surrogate pair: no text that could be kept.
            return RequestText.Invalid($"data_cursor of snapshot {body.Step} is no Unicode text.");
        }

        return cursor is not null && Encoding.UTF8.GetByteCount(cursor) > RunLimits.MaxDataCursorBytes
            ? new Refusal(
                ErrorCode.LimitExceeded, $"data_cursor of snapshot {body.Step} is longer than {RunLimits.MaxDataCursorBytes} bytes.")
            : null;
    }
}
