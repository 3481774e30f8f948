using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs.Checkpoints;

namespace Checkpointer.Service.Sweeping;

/// <summary>
/// Decides what of a run's uncommitted objects goes. Pure: a listing, how the run says that each save stands, what committed
/// indices name, and the store's own time come in; deletions with a reason each come out. A save goes only if
/// <list type="number">
/// <item>the store has no manifest of it,</item>
/// <item>the run takes no shard of it any more, whatever happens (<see cref="SaveStanding.Abandoned"/> or
/// <see cref="SaveStanding.Condemned"/>), so that it can never be committed,</item>
/// <item>all objects in its folders are older than the grace period by the store's clock, and</item>
/// <item>no committed checkpoint that could name its packs does. None can: a drain reuses only packs that the index of a
/// committed checkpoint names (<c>ShardPlan</c>), and the first of such a chain wrote them itself. It is checked all the
/// same, because a deletion cannot be taken back.</item>
/// </list>
/// </summary>
internal static class SweepPlanner
{
    /// <summary>The plan.</summary>
    /// <param name="listing">What the store has.</param>
    /// <param name="standingOf">How the run says that a save stands, journaled.</param>
    /// <param name="isReferenced">Whether a committed index names a pack of a save, or that could not be found out.</param>
    /// <param name="storeNow">The store's time when the listing began, or before.</param>
    /// <param name="grace">How old objects must be.</param>
    public static SweepPlan Plan(
        SaveListing listing,
        Func<CheckpointId, SaveStanding> standingOf,
        Func<CheckpointId, bool> isReferenced,
        DateTimeOffset storeNow,
        TimeSpan grace)
    {
        var deleted = new List<SweepFolder>();
        var kept = new Dictionary<CheckpointId, KeepReason>();
        var uncondemned = new List<CheckpointId>();
        foreach (var folder in listing.Folders.Where(folder => !folder.HasManifest && folder.Indices.Count + folder.Packs.Count > 0))
        {
            var standing = standingOf(folder.Checkpoint);
            if (WhyKept(standing) is { } why)
            {
                kept.Add(folder.Checkpoint, why);
            }
            else if (folder.Newest > storeNow - grace)
            {
                kept.Add(folder.Checkpoint, KeepReason.Young);
            }
            else if (isReferenced(folder.Checkpoint))
            {
                kept.Add(folder.Checkpoint, KeepReason.Referenced);
            }
            else if (standing == SaveStanding.FencedOut)
            {
                uncondemned.Add(folder.Checkpoint);
            }
            else
            {
                var reason = standing == SaveStanding.Abandoned ? SweepReason.Abandoned : SweepReason.FencedOut;
                deleted.Add(new SweepFolder(folder.Checkpoint, reason, folder.Indices, folder.Packs));
            }
        }

        return new SweepPlan(deleted, kept, uncondemned);
    }

    /// <summary>Whether the index of <paramref name="committed"/> could name packs of <paramref name="save"/>: it is not older.</summary>
    public static bool CouldReference(CheckpointId committed, CheckpointId save) =>
        committed.Step >= save.Step || committed.Attempt > save.Attempt;

    private static KeepReason? WhyKept(SaveStanding standing) => standing switch
    {
        SaveStanding.Abandoned or SaveStanding.Condemned or SaveStanding.FencedOut => null,
        SaveStanding.Committed => KeepReason.Committed,
        SaveStanding.Unknown => KeepReason.Unknown,
        _ => KeepReason.Unfinished,
    };
}
