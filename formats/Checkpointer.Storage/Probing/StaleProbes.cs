using System.Runtime.CompilerServices;
using Checkpointer.Storage.CrashPoints;

namespace Checkpointer.Storage.Probing;

/// <summary>What probes left that died.</summary>
public static class StaleProbes
{
    private const int MaxDeletes = 1000;

    /// <summary>
    /// Deletes the objects of probes that were put before <paramref name="before"/> by the store's clock, at most a thousand at
    /// a time, and gives what it has deleted.
    /// </summary>
    public static async IAsyncEnumerable<ObjectInfo> DeleteAsync(
        IObjectStore store, DateTimeOffset before, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(store);

        // Collected first: the listing need not stand deletes of what it walks over.
        var stale = new List<ObjectInfo>();
        await foreach (var info in store.ListAsync(RepositoryKeys.Probes, cancellationToken).ConfigureAwait(false))
        {
            if (info.LastModified < before && stale.Count < MaxDeletes)
            {
                stale.Add(info);
            }
        }

        foreach (var info in stale)
        {
            await store.DeleteAsync(info.Key, cancellationToken).ConfigureAwait(false);
            CrashPoint.Reach(CrashPointNames.ProbeStaleDeleted);
            yield return info;
        }
    }
}
