using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Codecs;

namespace Checkpointer.Formats.Packs;

/// <summary>One chunk in a pack.</summary>
/// <param name="Chunk">Its number in the image.</param>
/// <param name="Codec">How it is encoded.</param>
/// <param name="RawBytes">Its length in the image, in bytes.</param>
/// <param name="StoredBytes">Its length in the pack, in bytes.</param>
/// <param name="Hash">The hash of its bytes in the image.</param>
public readonly record struct PackEntry(int Chunk, CodecId Codec, int RawBytes, int StoredBytes, ChunkHash Hash);
