using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Codecs;

namespace Checkpointer.Formats.Indices;

/// <summary>Where one chunk of an image is at rest.</summary>
/// <param name="Hash">The hash of its bytes in the image.</param>
/// <param name="Codec">How it is encoded; <see cref="CodecId.Elsewhere"/> if this shard does not store it.</param>
/// <param name="Pack">Ordinal in <see cref="ShardIndex.Packs"/>; 0 if elsewhere.</param>
/// <param name="OffsetBytes">Offset in that pack, in bytes from the pack's first; 0 if elsewhere.</param>
/// <param name="StoredBytes">Length in that pack; 0 if elsewhere.</param>
public readonly record struct ChunkEntry(ChunkHash Hash, CodecId Codec, int Pack, int OffsetBytes, int StoredBytes)
{
    /// <summary>The entry of a chunk that this shard does not store.</summary>
    public static ChunkEntry ElsewhereOf(ChunkHash hash) => new(hash, CodecId.Elsewhere, 0, 0, 0);
}
