using System.Globalization;
using Checkpointer.Formats.Errors;
using Checkpointer.Storage.CrashPoints;

namespace Checkpointer.Storage.Probing;

/// <summary>The store's own time, by which ages of its objects are to be judged: what it dates an object that is put now.</summary>
public static class StoreClock
{
    /// <summary>Puts an object, asks for its date, and deletes it.</summary>
    public static async Task<DateTimeOffset> ReadAsync(IObjectStore store, Random random, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(random);
        var key = new ObjectKey(string.Create(
            CultureInfo.InvariantCulture, $"{RepositoryKeys.Probes}{random.NextInt64():x16}{random.NextInt64():x16}/clock"));
        await store.PutAsync(key, new ObjectContent(new byte[1]), cancellationToken).ConfigureAwait(false);
        CrashPoint.Reach(CrashPointNames.ProbeClockPut);
        var info = await store.HeadAsync(key, cancellationToken).ConfigureAwait(false);
        await store.DeleteAsync(key, cancellationToken).ConfigureAwait(false);
        return info?.LastModified
            ?? throw new CheckpointerException(ErrorCode.StorageFailed, $"{store.Description} does not have '{key}', which was just put there.");
    }
}
