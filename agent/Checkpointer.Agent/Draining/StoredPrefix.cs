using Checkpointer.Formats.Chunks;

namespace Checkpointer.Agent.Draining;

/// <summary>What of an image a rank stores.</summary>
/// <param name="Geometry">How the image is cut.</param>
/// <param name="Hashes">The hash of each chunk of the whole image.</param>
/// <param name="StoredBytes">Length of the prefix that is stored.</param>
internal sealed record StoredPrefix(ChunkGeometry Geometry, IReadOnlyList<ChunkHash> Hashes, long StoredBytes)
{
    /// <summary>Chunks that reach into the prefix.</summary>
    public int StoredChunks => Geometry.CountIn(StoredBytes);
}
