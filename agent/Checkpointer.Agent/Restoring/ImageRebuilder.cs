using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;
using Checkpointer.Formats.Resharding;

namespace Checkpointer.Agent.Restoring;

/// <summary>Makes the image that a rank wants from the images that the plan names.</summary>
internal static class ImageRebuilder
{
    /// <summary>Bytes of one read of neighbouring chunks, about.</summary>
    public const int BatchBytes = 16 * 1024 * 1024;

    /// <summary>
    /// Fills the memory that <paramref name="target"/> gives with an image of <paramref name="layout"/>. If the plan has
    /// the rank's own image in that very layout, its chunks go to their places with no copy in between; otherwise the
    /// image is put together from pieces of all.
    /// </summary>
    /// <returns>The facts of the image, every chunk verified where it lies; null if it was put together in another layout.</returns>
    public static async Task<ImageFacts?> RebuildAsync(
        CheckpointReaders readers,
        Rank rank,
        Layout layout,
        Func<long, int, Memory<byte>> target,
        int parallelism,
        CancellationToken cancellationToken)
    {
        if (readers.Find(rank) is { } own && own.Planned.Layout == layout.Digest)
        {
            return await CopyWholeAsync(own, target, parallelism, cancellationToken);
        }

        var hasOwnInMemory = readers.Find(rank)?.Planned.Sources.Any(source => source.Tier == Tier.Memory) == true;
        var plan = ReshardingPlan.Create(
            layout, rank, await readers.ReadLayoutsAsync(cancellationToken), storedOnly: !hasOwnInMemory);
        await readers.NewCopier().CopyAsync(plan.Copies, target, cancellationToken);
        return null;
    }

    private static async Task<ImageFacts> CopyWholeAsync(
        ImageReader own, Func<long, int, Memory<byte>> target, int parallelism, CancellationToken cancellationToken)
    {
        var facts = await own.OpenAsync(cancellationToken);
        var geometry = facts.Geometry;
        var chunksPerBatch = Math.Max(1, BatchBytes / geometry.ChunkBytes);
        var batches = Enumerable.Range(0, (geometry.Count + chunksPerBatch - 1) / chunksPerBatch);
        var options = new ParallelOptions { MaxDegreeOfParallelism = parallelism, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(batches, options, async (batch, token) =>
        {
            var first = batch * chunksPerBatch;
            var count = Math.Min(chunksPerBatch, geometry.Count - first);
            var last = first + count - 1;
            var offset = geometry.OffsetOf(first);
            var length = (int)(geometry.OffsetOf(last) + geometry.LengthOf(last) - offset);
            await own.ReadAsync(first, count, target(offset, length), token);
        });
        return facts;
    }
}
