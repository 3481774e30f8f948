using System.Buffers.Binary;
using System.IO.Hashing;

namespace Checkpointer.Formats.Chunks;

/// <summary>The one hash that stands for an image.</summary>
public static class RootHash
{
    /// <summary>
    /// The XxHash128 of: image length (u64 little-endian), chunk length (u32 little-endian), then every chunk's hash in
    /// order. So images that differ in length, cut or any byte differ in root.
    /// </summary>
    public static ChunkHash Compute(long imageBytes, int chunkBytes, ReadOnlySpan<ChunkHash> chunks)
    {
        var hasher = new XxHash128();
        Span<byte> buffer = stackalloc byte[64 * ChunkHash.SizeBytes];
        BinaryPrimitives.WriteInt64LittleEndian(buffer, imageBytes);
        BinaryPrimitives.WriteInt32LittleEndian(buffer[8..], chunkBytes);
        hasher.Append(buffer[..12]);
        while (!chunks.IsEmpty)
        {
            var batch = chunks[..Math.Min(64, chunks.Length)];
            for (var i = 0; i < batch.Length; i++)
            {
                batch[i].WriteTo(buffer[(i * ChunkHash.SizeBytes)..]);
            }

            hasher.Append(buffer[..(batch.Length * ChunkHash.SizeBytes)]);
            chunks = chunks[batch.Length..];
        }

        Span<byte> hash = stackalloc byte[ChunkHash.SizeBytes];
        hasher.GetCurrentHash(hash);
        return ChunkHash.ReadFrom(hash);
    }
}
