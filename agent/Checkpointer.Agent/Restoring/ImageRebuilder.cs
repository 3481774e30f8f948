using Checkpointer.Agent.Arenas;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;
using Checkpointer.Formats.Resharding;

namespace Checkpointer.Agent.Restoring;

/// <summary>Makes the image that a rank wants from the images that the plan names.</summary>
internal static class ImageRebuilder
{
    /// <summary>Bytes of one read of neighbouring chunks, about.</summary>
    public const int BatchBytes = 8 * 1024 * 1024;

    /// <summary>
    /// Fills <paramref name="target"/> with an image of <paramref name="layout"/>. If the plan has the rank's own image in that
    /// very layout, its chunks come by whole batches; otherwise the image is put together from pieces of all.
    /// </summary>
    /// <returns>The facts of the image, every chunk verified; null if it was put together in another layout.</returns>
    public static async Task<ImageFacts?> RebuildAsync(
        CheckpointReaders readers,
        Rank rank,
        Layout layout,
        IImageTarget target,
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
        await readers.NewCopier().CopyAsync(plan.Copies, target.Write, cancellationToken);
        return null;
    }

    private static async Task<ImageFacts> CopyWholeAsync(
        ImageReader own, IImageTarget target, int parallelism, CancellationToken cancellationToken)
    {
        var facts = await own.OpenAsync(cancellationToken);
        var chunksPerBatch = Math.Max(1, BatchBytes / facts.Geometry.ChunkBytes);
        await CopyAsync(own, facts.Geometry, Batches(facts.Geometry, chunksPerBatch), target, parallelism, cancellationToken);
        return facts;
    }

    /// <summary>The chunks of an image as runs of that many.</summary>
    public static IEnumerable<ChunkRun> Batches(ChunkGeometry geometry, int chunksPerBatch)
    {
        for (var first = 0; first < geometry.Count; first += chunksPerBatch)
        {
            yield return new ChunkRun(first, Math.Min(chunksPerBatch, geometry.Count - first));
        }
    }

    /// <summary>Reads those chunks to their places, each verified before it counts.</summary>
    public static Task CopyAsync(
        ImageReader own,
        ChunkGeometry geometry,
        IEnumerable<ChunkRun> runs,
        IImageTarget target,
        int parallelism,
        CancellationToken cancellationToken)
    {
        var options = new ParallelOptions { MaxDegreeOfParallelism = parallelism, CancellationToken = cancellationToken };
        return Parallel.ForEachAsync(runs, options, async (run, token) =>
        {
            var last = run.First + run.Count - 1;
            var offset = geometry.OffsetOf(run.First);
            var length = (int)(geometry.OffsetOf(last) + geometry.LengthOf(last) - offset);
            await target.FillAsync(
                offset, length, memory => new ValueTask(own.ReadAsync(run.First, run.Count, memory, token)));
        });
    }
}
