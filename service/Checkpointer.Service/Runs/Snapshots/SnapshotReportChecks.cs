using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs.Commands;

namespace Checkpointer.Service.Runs.Snapshots;

/// <summary>Checks of a snapshot report by itself, before the run's state comes into it.</summary>
internal static class SnapshotReportChecks
{
    /// <summary>Why <paramref name="body"/> can't be one; null if it can.</summary>
    public static Refusal? Check(SnapshotReport body)
    {
        if (body.Step.Value <= Step.MinValue)
        {
            return RequestText.Invalid("step must be 1 or more: nothing was trained before.");
        }

        return RequestText.CheckName(body.Node, "node", RunLimits.MaxNodeLength, RequestText.NameCharacters)
            ?? body.Outcome switch
            {
                SnapshotOutcome.Sealed => ImageRequest.Check(body.Image),
                SnapshotOutcome.Refused or SnapshotOutcome.Discarded =>
                    RequestText.CheckLength(body.Reason ?? "", "reason", RunLimits.MaxReasonLength),
                _ => RequestText.Invalid("outcome must be sealed, refused or discarded."),
            };
    }
}
