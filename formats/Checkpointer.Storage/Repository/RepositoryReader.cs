using System.Security.Cryptography;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Indices;
using Checkpointer.Formats.Layouts;
using Checkpointer.Formats.Manifests;

namespace Checkpointer.Storage.Repository;

/// <summary>
/// Reads the objects that describe a checkpoint, each checked against the one that names it (formats/SPEC.md, "Reading a
/// checkpoint"). One that does not check is read once more before it is blamed, for bytes also go bad on their way; then
/// it is a <see cref="DamagedObjectException"/>. Trouble of the store itself passes through. Thread-safe.
/// </summary>
public sealed class RepositoryReader(IObjectStore store)
{
    private const int MaxReads = 2;

    /// <summary>The store.</summary>
    public IObjectStore Store => store;

    /// <summary>The manifest: <c>not_found</c> if the checkpoint was never committed, <c>manifest_corrupt</c>.</summary>
    public async Task<Manifest> ReadManifestAsync(RunId run, CheckpointId checkpoint, CancellationToken cancellationToken)
    {
        var key = RepositoryKeys.Manifest(run, checkpoint);
        try
        {
            return await ReadAsync(
                key,
                ErrorCode.ManifestCorrupt,
                null,
                Manifest.MaxBytes,
                bytes => Manifest.Parse(bytes) is var manifest && manifest.Run == run && manifest.Checkpoint == checkpoint
                    ? manifest
                    : throw new DamagedObjectException(
                        ErrorCode.ManifestCorrupt,
                        key,
                        ObjectDamage.Corrupt,
                        $"is the manifest of checkpoint {manifest.Checkpoint} of run {manifest.Run}"),
                cancellationToken).ConfigureAwait(false);
        }
        catch (DamagedObjectException e) when (e.Damage == ObjectDamage.Missing)
        {
            throw new CheckpointerException(
                ErrorCode.NotFound, $"Run {run} has no committed checkpoint {checkpoint}: '{key}' is not there.", inner: e);
        }
    }

    /// <summary>
    /// One rank's index, equal to all that the manifest (or its draft) says of it but for the chunk length:
    /// <c>index_corrupt</c>, also if it is missing.
    /// </summary>
    public Task<ShardIndex> ReadIndexAsync(Manifest manifest, ManifestShard shard, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        ArgumentNullException.ThrowIfNull(shard);
        var key = RepositoryKeys.Index(manifest.Run, manifest.Checkpoint, shard.Rank);
        DamagedObjectException Corrupt(string why) => new(ErrorCode.IndexCorrupt, key, ObjectDamage.Corrupt, why);
        if (shard.IndexBytes > ShardIndex.MaxBytes)
        {
            throw Corrupt($"is recorded with {shard.IndexBytes} bytes, more than any index has");
        }

        return ReadAsync(
            key,
            ErrorCode.IndexCorrupt,
            shard.IndexBytes,
            ShardIndex.MaxBytes,
            bytes =>
            {
                if (Convert.ToHexStringLower(SHA256.HashData(bytes)) != shard.IndexSha256)
                {
                    throw Corrupt("does not hash to the SHA-256 that is recorded for it");
                }

                var index = ShardIndex.Parse(bytes);
                var matches = index.Checkpoint == manifest.Checkpoint
                    && index.Rank == shard.Rank
                    && index.WorldSize == manifest.WorldSize
                    && index.ImageBytes == shard.ImageBytes
                    && index.StoredBytes == shard.StoredBytes
                    && index.LayoutDigest == shard.Layout
                    && index.Root.ToString() == shard.Root;
                return matches
                    ? index
                    : throw Corrupt("says other things of its checkpoint, rank, world or image than are recorded for it");
            },
            cancellationToken);
    }

    /// <summary>A layout by its digest: <c>layout_invalid</c>, also if it is missing or another one's bytes.</summary>
    public Task<Layout> ReadLayoutAsync(RunId run, string digest, CancellationToken cancellationToken)
    {
        var key = RepositoryKeys.Layout(run, digest);
        return ReadAsync(
            key,
            ErrorCode.LayoutInvalid,
            null,
            Layout.MaxBytes,
            bytes => Convert.ToHexStringLower(SHA256.HashData(bytes)) is var found && found == digest
                ? Layout.Parse(bytes)
                : throw new DamagedObjectException(
                    ErrorCode.LayoutInvalid, key, ObjectDamage.Corrupt, $"does not hash to its name but to {found}"),
            cancellationToken);
    }

    private async Task<T> ReadAsync<T>(
        ObjectKey key, ErrorCode code, long? length, int maxBytes, Func<byte[], T> check, CancellationToken cancellationToken)
    {
        for (var reads = 1; ; reads++)
        {
            try
            {
                return check(await ReadWholeAsync(key, code, length, maxBytes, cancellationToken).ConfigureAwait(false));
            }
            catch (CheckpointerException e) when (reads < MaxReads && MayBeOnTheWay(e))
            {
                // Once more, before the object is blamed.
            }
            catch (FormatFaultException e)
            {
                throw new DamagedObjectException(
                    code, key, ObjectDamage.Corrupt, $"does not read as what it should be: {e.Message.TrimEnd('.')}", e);
            }
        }
    }

    // Bytes that are not right, or (a contract broken by the store) too few of them.
    private static bool MayBeOnTheWay(CheckpointerException e) => e
        is FormatFaultException or DamagedObjectException { Damage: ObjectDamage.Corrupt } or { Code: ErrorCode.StorageFailed, IsTransient: false };

    /// <summary>
    /// A whole object. One whose length is known is read beside the question whether it still has that length: a restore waits for
    /// these small reads, one behind the other.
    /// </summary>
    private async Task<byte[]> ReadWholeAsync(
        ObjectKey key, ErrorCode code, long? length, int maxBytes, CancellationToken cancellationToken)
    {
        var head = store.HeadAsync(key, cancellationToken);
        if (length is { } expected)
        {
            var early = new byte[expected];
            var read = store.ReadAsync(key, 0, early, cancellationToken);
            await ((Task)Task.WhenAll(head, read)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            RequireLength(await head.ConfigureAwait(false), key, code, expected);
            await read.ConfigureAwait(false);
            return early;
        }

        var bytes = new byte[RequireLength(await head.ConfigureAwait(false), key, code, null, maxBytes)];
        await store.ReadAsync(key, 0, bytes, cancellationToken).ConfigureAwait(false);
        return bytes;
    }

    private static long RequireLength(ObjectInfo? info, ObjectKey key, ErrorCode code, long? expected, long maxBytes = long.MaxValue)
    {
        DamagedObjectException Corrupt(string why) => new(code, key, ObjectDamage.Corrupt, why);
        var size = info?.SizeBytes ?? throw new DamagedObjectException(code, key, ObjectDamage.Missing, "is missing");
        return expected is { } length && size != length
            ? throw Corrupt($"has {size} bytes and not {length}")
            : size > maxBytes ? throw Corrupt($"has {size} bytes, more than any such object") : size;
    }
}
