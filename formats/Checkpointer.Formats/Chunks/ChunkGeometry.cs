namespace Checkpointer.Formats.Chunks;

/// <summary>How an image is cut: chunks of one length at fixed offsets, the last one shorter if need be.</summary>
public readonly record struct ChunkGeometry
{
    /// <summary>Length of a chunk unless configured otherwise: 4 MiB.</summary>
    public const int DefaultChunkBytes = 4 * 1024 * 1024;

    /// <summary>Longest permitted chunk in bytes.</summary>
    public const int MaxChunkBytes = 64 * 1024 * 1024;

    /// <summary>Most chunks of an image.</summary>
    public const int MaxChunks = 1 << 20;

    /// <summary>Throws <see cref="ArgumentOutOfRangeException"/> unless <see cref="IsValid"/>.</summary>
    public ChunkGeometry(long imageBytes, int chunkBytes = DefaultChunkBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(imageBytes);
        ArgumentOutOfRangeException.ThrowIfLessThan(chunkBytes, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(chunkBytes, MaxChunkBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(imageBytes, (long)MaxChunks * chunkBytes);
        ImageBytes = imageBytes;
        ChunkBytes = chunkBytes;
        Count = (int)((imageBytes + chunkBytes - 1) / chunkBytes);
    }

    /// <summary>Length of the image in bytes.</summary>
    public long ImageBytes { get; }

    /// <summary>Length of every chunk but the last, in bytes.</summary>
    public int ChunkBytes { get; }

    /// <summary>Number of chunks; 0 for an empty image.</summary>
    public int Count { get; }

    /// <summary>Whether these lengths can be cut: not negative, a chunk within its limits, not too many chunks.</summary>
    public static bool IsValid(long imageBytes, long chunkBytes) =>
        imageBytes >= 0 && chunkBytes is >= 1 and <= MaxChunkBytes && imageBytes <= MaxChunks * chunkBytes;

    /// <summary>Offset in the image of chunk <paramref name="chunk"/>, in bytes.</summary>
    public long OffsetOf(int chunk)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(chunk);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(chunk, Count);
        return (long)chunk * ChunkBytes;
    }

    /// <summary>Length of chunk <paramref name="chunk"/> in bytes.</summary>
    public int LengthOf(int chunk) => (int)Math.Min(ChunkBytes, ImageBytes - OffsetOf(chunk));

    /// <summary>The number of chunks, from the first, that reach into the first <paramref name="prefixBytes"/> bytes.</summary>
    public int CountIn(long prefixBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(prefixBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(prefixBytes, ImageBytes);
        return (int)((prefixBytes + ChunkBytes - 1) / ChunkBytes);
    }
}
