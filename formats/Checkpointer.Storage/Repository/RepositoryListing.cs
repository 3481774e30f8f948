using Checkpointer.Formats.Identity;

namespace Checkpointer.Storage.Repository;

/// <summary>What a store has, found out from the store alone.</summary>
public static class RepositoryListing
{
    private const string ManifestName = "/MANIFEST.json";

    /// <summary>
    /// The committed checkpoints of a run: those with a manifest, whatever is in it, by attempt, then step. So the newest is the
    /// last: what a later attempt committed is newer, also if it went back to an earlier step.
    /// </summary>
    public static async Task<IReadOnlyList<CheckpointId>> ListCommittedAsync(
        this IObjectStore store, RunId run, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(store);
        var found = new List<CheckpointId>();
        var prefix = RepositoryKeys.Checkpoints(run);
        await foreach (var info in store.ListAsync(prefix, cancellationToken).ConfigureAwait(false))
        {
            var rest = info.Key.Value[prefix.Length..];
            if (rest.EndsWith(ManifestName, StringComparison.Ordinal)
                && CheckpointId.TryParse(rest[..^ManifestName.Length], null, out var checkpoint)
                && RepositoryKeys.Manifest(run, checkpoint) == info.Key)
            {
                found.Add(checkpoint);
            }
        }

        return [.. found.OrderBy(checkpoint => checkpoint.Attempt).ThenBy(checkpoint => checkpoint.Step)];
    }

    /// <summary>
    /// Runs that have any object, by name, and whether there may be more: at most <paramref name="maxObjects"/> objects are
    /// looked at, for a store lists objects and not runs.
    /// </summary>
    public static async Task<(IReadOnlyList<RunId> Runs, bool More)> ListRunsAsync(
        this IObjectStore store, int maxObjects, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxObjects, 1);
        var found = new List<RunId>();
        var looked = 0;
        await foreach (var info in store.ListAsync(RepositoryKeys.Runs, cancellationToken).ConfigureAwait(false))
        {
            if (looked++ == maxObjects)
            {
                return (found, true);
            }

            var rest = info.Key.Value[RepositoryKeys.Runs.Length..];
            var slash = rest.IndexOf('/', StringComparison.Ordinal);
            if (slash > 0 && RunId.TryParse(rest[..slash], null, out var run) && (found.Count == 0 || found[^1] != run))
            {
                found.Add(run);
            }
        }

        return (found, false);
    }
}
