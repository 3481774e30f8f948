using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs.Incidents;

namespace Checkpointer.Service.Runs.Ledger;

/// <summary>
/// A snapshot that saved another place in the data than its step reported would make the next attempt skip data or train on
/// some twice, and nothing else would show it. Whichever comes later, snapshot or step, finds out.
/// </summary>
internal static class CursorChecks
{
    private const int MaxShown = 200;

    /// <summary>The incident, if rank 0's snapshot saved another cursor than the ledger has for its step.</summary>
    public static Incident? OfSnapshot(RunState state, CheckpointId snapshot, Rank rank, string? saved, IncidentDrafts drafts) =>
        rank.Value == 0 ? Compare(snapshot, saved, state.Ledger.Find(snapshot.Attempt, snapshot.Step)?.Report, drafts) : null;

    /// <summary>The incident, if the step's cursor is another than its snapshot saved.</summary>
    public static Incident? OfStep(RunState state, Attempt attempt, StepReport report, IncidentDrafts drafts)
    {
        var snapshot = new CheckpointId(report.Step, attempt);
        return Compare(snapshot, state.Snapshots.Find(snapshot)?.DataCursor, report, drafts);
    }

    // A trainer that reports none, or saves none, has nothing to compare.
    private static Incident? Compare(CheckpointId snapshot, string? saved, StepReport? report, IncidentDrafts drafts) =>
        saved is null || report?.DataCursor is not { } cursor || cursor.GetRawText() is var reported && reported == saved
            ? null
            : drafts.Raise(
                IncidentKind.CursorMismatch, snapshot.Attempt, snapshot.Step, [new Rank(0)],
                $"Snapshot {snapshot} saved the data cursor {Cut(saved)}, but step {snapshot.Step} was reported with {Cut(cursor.GetRawText())}: "
                + "an attempt that resumes from it would skip data or train on some twice. Save and report the cursor of one and the "
                + "same moment.");

    private static string Cut(string text) => text.Length <= MaxShown ? text : $"{text.AsSpan(0, MaxShown)}…";
}
