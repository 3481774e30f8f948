using Checkpointer.Agent.Arenas;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Layouts;
using Checkpointer.Formats.NonFinite;

namespace Checkpointer.Agent.Sealing;

/// <summary>
/// Turns the bytes of an image into its seal: the hash of every chunk, and how many values are not finite, each chunk
/// in one pass and in place. Stateless and thread-safe.
/// </summary>
internal static class ImageHasher
{
    /// <summary>Most names in a seal.</summary>
    public const int MaxNames = 16;

    /// <summary>
    /// Hashes the image that begins at <paramref name="dataOffset"/> of <paramref name="file"/>, on up to
    /// <paramref name="parallelism"/> threads of which the caller's is one. The caller holds a use of the file.
    /// </summary>
    public static ImageSeal Hash(
        ArenaFile file,
        long dataOffset,
        Layout layout,
        ChunkGeometry geometry,
        int parallelism,
        CancellationToken cancellationToken)
    {
        var floats = layout.Tensors.Where(tensor => tensor.DType.IsFloatingPoint() && tensor.SizeBytes > 0).ToArray();
        var counts = new NonFiniteCount[floats.Length];
        var gate = new Lock();
        var hashes = new ChunkHash[geometry.Count];
        Parallel.For(
            0,
            geometry.Count,
            new ParallelOptions { MaxDegreeOfParallelism = parallelism, CancellationToken = cancellationToken },
            chunk =>
            {
                var begin = geometry.OffsetOf(chunk);
                var end = begin + geometry.LengthOf(chunk);
                hashes[chunk] = ChunkHash.Compute(file.Slice(dataOffset + begin, (int)(end - begin)).Span);
                for (var i = FirstEndingAfter(floats, begin); i < floats.Length && floats[i].Begin < end; i++)
                {
                    if (Count(file, dataOffset, floats[i], begin, end) is { Any: true } count)
                    {
                        lock (gate)
                        {
                            counts[i] += count;
                        }
                    }
                }
            });
        return ToSeal(layout, geometry, hashes, floats, counts);
    }

    /// <summary>Counts the elements that begin in [begin, end) of the image; the last of them may reach beyond.</summary>
    private static NonFiniteCount Count(ArenaFile file, long dataOffset, TensorEntry tensor, long begin, long end)
    {
        var size = tensor.DType.SizeBytes();
        var first = RoundUp(Math.Max(begin, tensor.Begin) - tensor.Begin, size);
        var last = RoundUp(Math.Min(end, tensor.End) - tensor.Begin, size);
        return first >= last
            ? default
            : NonFiniteCounter.Count(
                tensor.DType, file.Slice(dataOffset + tensor.Begin + first, (int)(last - first)).Span);
    }

    private static long RoundUp(long bytes, int size) => (bytes + size - 1) / size * size;

    private static int FirstEndingAfter(TensorEntry[] tensors, long offset)
    {
        var (low, high) = (0, tensors.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = tensors[middle].End <= offset ? (middle + 1, high) : (low, middle);
        }

        return low;
    }

    private static ImageSeal ToSeal(
        Layout layout, ChunkGeometry geometry, ChunkHash[] hashes, TensorEntry[] floats, NonFiniteCount[] counts)
    {
        var total = counts.Aggregate(default(NonFiniteCount), (sum, count) => sum + count);
        var image = new SealedImage
        {
            Layout = layout.Digest,
            ImageBytes = layout.ImageBytes,
            Root = RootHash.Compute(geometry.ImageBytes, geometry.ChunkBytes, hashes).ToString(),
            NanCount = total.NanCount,
            InfCount = total.InfCount,
            NonFiniteTensors = [.. floats.Where((_, i) => counts[i].Any).Select(tensor => tensor.Name).Take(MaxNames)],
        };
        return new ImageSeal(image, geometry, hashes);
    }
}
