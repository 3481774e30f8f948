using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Codecs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Indices;
using Checkpointer.Formats.Layouts;
using Checkpointer.Storage;
using Checkpointer.Storage.Repository;

namespace Checkpointer.Agent.Restoring;

/// <summary>
/// One rank's shard in the object store. Raw chunks that are neighbours in the image and in a pack come with one ranged
/// read, straight to where they are wanted.
/// </summary>
internal sealed class StorageImageSource(StoredCheckpoint checkpoint, Rank rank, string layout) : IImageSource
{
    private ShardIndex? _index;

    public string Description => "object storage";

    public SourceKind Kind => SourceKind.Storage;

    public async Task<ImageFacts?> OpenAsync(CancellationToken cancellationToken)
    {
        var (index, shard) = await checkpoint.ReadIndexAsync(rank, cancellationToken);
        _index = index;
        var image = new SealedImage
        {
            Layout = shard.Layout,
            ImageBytes = shard.ImageBytes,
            Root = shard.Root,
            NanCount = shard.NanCount,
            InfCount = shard.InfCount,
            NonFiniteTensors = [],
        };
        return new ImageFacts(image, index.Geometry, [.. index.Chunks.Select(chunk => chunk.Hash)], index.Extra);
    }

    public Task<Layout> ReadLayoutAsync(CancellationToken cancellationToken) =>
        checkpoint.ReadLayoutAsync(layout, cancellationToken);

    public bool Has(int chunk) => Index.Chunks[chunk].Codec != CodecId.Elsewhere;

    /// <summary>
    /// All runs of neighbours side by side: after deduplication they lie in many packs, and their latencies would add up.
    /// There are no more of them than chunks; how many reads are under way in the process the store's own places bound.
    /// </summary>
    public async Task ReadAsync(int first, int count, Memory<byte> destination, CancellationToken cancellationToken)
    {
        var reads = new List<Task>();
        var at = 0;
        for (var chunk = first; chunk < first + count;)
        {
            var (chunks, bytes) = Neighbours(chunk, first + count);
            reads.Add(ReadPackAsync(Index.Chunks[chunk], destination.Slice(at, bytes), cancellationToken));
            (chunk, at) = (chunk + chunks, at + bytes);
        }

        // Ends when all have, failed ones too: until then they write into the caller's memory.
        await Task.WhenAll(reads);
    }

    private ShardIndex Index => _index ?? throw new InvariantViolationException("A source was read before it was opened.");

    private (int Chunks, int Bytes) Neighbours(int first, int end)
    {
        var start = Index.Chunks[first];
        var bytes = start.StoredBytes;
        var next = first + 1;
        while (next < end && Index.Chunks[next] is var entry && entry.Codec == CodecId.Raw
            && entry.Pack == start.Pack && entry.OffsetBytes == start.OffsetBytes + bytes)
        {
            bytes += entry.StoredBytes;
            next++;
        }

        return (next - first, bytes);
    }

    private async Task ReadPackAsync(ChunkEntry chunk, Memory<byte> destination, CancellationToken cancellationToken)
    {
        Invariant.Holds(chunk.Codec == CodecId.Raw);
        var pack = Index.Packs[chunk.Pack];
        var key = RepositoryKeys.Pack(checkpoint.Run, pack.Checkpoint, pack.Rank, pack.Number);
        try
        {
            await checkpoint.Store.ReadAsync(key, chunk.OffsetBytes, destination, cancellationToken);
        }
        catch (CheckpointerException e) when (e.Code == ErrorCode.NotFound)
        {
            throw new CheckpointerException(ErrorCode.PackCorrupt, $"'{key}' is missing.", inner: e);
        }
        catch (CheckpointerException e) when (e is { Code: ErrorCode.StorageFailed, IsTransient: false })
        {
            var info = await checkpoint.Store.HeadAsync(key, cancellationToken);
            if (info?.SizeBytes == pack.PackBytes)
            {
                throw;
            }

            throw new CheckpointerException(
                ErrorCode.PackCorrupt,
                $"'{key}' has {info?.SizeBytes ?? 0} bytes and not {pack.PackBytes}: it was cut short or replaced.",
                inner: e);
        }
    }
}
