using Checkpointer.Formats.Identity;
using Checkpointer.Service.Coordination;
using Checkpointer.Service.Runs.Checkpoints;
using Checkpointer.Service.Runs.Commands;
using Checkpointer.Service.Telemetry;
using Checkpointer.Storage;
using Checkpointer.Storage.CrashPoints;

namespace Checkpointer.Service.Sweeping;

/// <summary>
/// Sweeps one run. What may go is decided by <see cref="SweepPlanner"/>; the run's state, journaled, has made its commit
/// impossible before the first byte goes. May be cut off anywhere and repeated: of a save the indices go first, and
/// what is left of it is found again by the next sweep. What a writer that does not know it is dead writes meanwhile is, too.
/// </summary>
internal sealed class RunSweeper(RunHost host, IObjectStore store, ServiceMetrics metrics)
{
    private const int MaxParallelDeletes = 8;

    // Of one run in one sweep; the rest goes with the next.
    private const int MaxObjects = 200_000;

    private readonly PackReferences _references = new(store);

    /// <summary>Deletes what may go; <paramref name="storeNow"/> is the store's time at the sweep's beginning.</summary>
    public async Task SweepAsync(
        RunId run, DateTimeOffset storeNow, TimeSpan grace, SweepTotals totals, CancellationToken cancellationToken)
    {
        if (await IsJournalOlderAsync(run, cancellationToken).ConfigureAwait(false))
        {
            return;
        }

        var listing = await SaveListing.ReadAsync(store, run, cancellationToken).ConfigureAwait(false);
        var plan = await PlanAsync(listing, storeNow, grace, cancellationToken).ConfigureAwait(false);
        foreach (var (_, why) in plan.Kept)
        {
            totals.Left(why);
        }

        var objects = 0;
        foreach (var folder in plan.Deleted.TakeWhile(folder => (objects += folder.Objects) <= MaxObjects || objects == folder.Objects))
        {
            await DeleteAsync(run, folder, totals, cancellationToken).ConfigureAwait(false);
        }
    }

    private static bool MayGo(SaveStanding standing) => standing is SaveStanding.Abandoned or SaveStanding.Condemned;

    /// <summary>Whether the store has an attempt that the journal does not know: then nothing that the journal says is to be relied on.</summary>
    private async Task<bool> IsJournalOlderAsync(RunId run, CancellationToken cancellationToken)
    {
        var current = await host.ReadAsync(run, static state => state.CurrentAttempt, cancellationToken).ConfigureAwait(false);
        return current is not { } attempt
            || await store.HeadAsync(RepositoryKeys.AttemptRecord(run, attempt.Next), cancellationToken).ConfigureAwait(false) is not null;
    }

    private async Task<SweepPlan> PlanAsync(
        SaveListing listing, DateTimeOffset storeNow, TimeSpan grace, CancellationToken cancellationToken)
    {
        var saves = listing.Folders.Where(folder => !folder.HasManifest).Select(folder => folder.Checkpoint).ToList();
        var standings = await StandingsAsync(listing.Run, saves, cancellationToken).ConfigureAwait(false);
        var draft = SweepPlanner.Plan(listing, save => standings[save], static _ => false, storeNow, grace);
        if (draft.Uncondemned.Count > 0)
        {
            _ = await host.ExecuteAsync(listing.Run, new CondemnFencedSaves(), cancellationToken).ConfigureAwait(false);
            standings = await StandingsAsync(listing.Run, saves, cancellationToken).ConfigureAwait(false);
        }

        List<CheckpointId> wanted = [.. draft.Deleted.Select(folder => folder.Checkpoint), .. draft.Uncondemned];
        if (wanted.Count == 0)
        {
            return draft;
        }

        var named = await _references.FindAsync(listing, wanted, cancellationToken).ConfigureAwait(false);
        return SweepPlanner.Plan(
            listing, save => standings[save], save => named is null || named.Contains(save), storeNow, grace);
    }

    private Task<Dictionary<CheckpointId, SaveStanding>> StandingsAsync(
        RunId run, List<CheckpointId> saves, CancellationToken cancellationToken) =>
        host.ReadAsync(run, state => saves.ToDictionary(save => save, state.StandingOf), cancellationToken);

    private async Task DeleteAsync(RunId run, SweepFolder folder, SweepTotals totals, CancellationToken cancellationToken)
    {
        // Once more, at the last moment: neither can have changed, and no byte comes back.
        var standing = await host.ReadAsync(run, state => state.StandingOf(folder.Checkpoint), cancellationToken).ConfigureAwait(false);
        if (!MayGo(standing)
            || await store.HeadAsync(RepositoryKeys.Manifest(run, folder.Checkpoint), cancellationToken).ConfigureAwait(false) is not null)
        {
            return;
        }

        await DeleteAsync(folder.Indices, folder.Reason, CrashPointNames.SweepIndexDeleted, totals, cancellationToken).ConfigureAwait(false);
        await DeleteAsync(folder.Packs, folder.Reason, CrashPointNames.SweepPackDeleted, totals, cancellationToken).ConfigureAwait(false);
    }

    private Task DeleteAsync(
        IReadOnlyList<ObjectInfo> objects, SweepReason reason, string crashPoint, SweepTotals totals, CancellationToken cancellationToken)
    {
        var options = new ParallelOptions { MaxDegreeOfParallelism = MaxParallelDeletes, CancellationToken = cancellationToken };
        return Parallel.ForEachAsync(objects, options, async (found, token) =>
        {
            await store.DeleteAsync(found.Key, token).ConfigureAwait(false);
            CrashPoint.Reach(crashPoint);
            metrics.CountSwept(reason, found.SizeBytes);
            totals.Deleted(reason, found.SizeBytes);
        });
    }
}
