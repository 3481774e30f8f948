using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Indices;

namespace Checkpointer.Storage.Verification;

/// <summary>A chunk in a pack, as an index says. Two shards that share one say the same.</summary>
/// <param name="OffsetBytes">Where it begins in the pack.</param>
/// <param name="LengthBytes">Its length there.</param>
/// <param name="Hash">The hash of its bytes.</param>
internal readonly record struct ChunkPlace(int OffsetBytes, int LengthBytes, ChunkHash Hash)
{
    public static ChunkPlace Of(ChunkEntry entry) => new(entry.OffsetBytes, entry.StoredBytes, entry.Hash);

    /// <summary>The first byte behind it.</summary>
    public long End => (long)OffsetBytes + LengthBytes;
}
