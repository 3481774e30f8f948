using System.Text.Json;
using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Codecs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Packs;

namespace Checkpointer.Formats.Indices;

/// <summary>Every rule of an index that its types do not enforce.</summary>
internal static class IndexValidator
{
    private const int MinPackBytes = PackHeader.FixedBytes + 32 + ChunkHash.SizeBytes + 1;
    private const int MaxPackBytes =
        PackHeader.FixedBytes + (32 * PackHeader.MaxEntries) + ChunkHash.SizeBytes + PackHeader.MaxPayloadBytes;

    public static void Check(ShardIndex index)
    {
        CheckNumbers(index);
        CheckPacks(index);
        CheckChunks(index);
        CheckPlaces(index);
        var hashes = index.Chunks.Select(chunk => chunk.Hash).ToArray();
        if (RootHash.Compute(index.ImageBytes, index.ChunkBytes, hashes) != index.Root)
        {
            throw new FormatFaultException(IndexFault.RootMismatch, "The root is not that of the chunks.");
        }

        CheckExtra(index.Extra.Span);
    }

    private static void CheckNumbers(ShardIndex index)
    {
        if (index.WorldSize is < 1 or > Rank.MaxValue + 1 || index.Rank.Value >= index.WorldSize
            || index.Checkpoint.Attempt.Value < Attempt.MinValue)
        {
            throw new FormatFaultException(
                IndexFault.IdentityInvalid, $"Rank {index.Rank} of {index.WorldSize}, checkpoint {index.Checkpoint}.");
        }

        if (!ChunkGeometry.IsValid(index.ImageBytes, index.ChunkBytes)
            || index.StoredBytes < 0 || index.StoredBytes > index.ImageBytes)
        {
            throw new FormatFaultException(
                IndexFault.LengthInvalid,
                $"Image of {index.ImageBytes} bytes, {index.StoredBytes} stored, chunks of {index.ChunkBytes}.");
        }

        if (!LowerHex.Is(index.LayoutDigest, 64))
        {
            throw new FormatFaultException(IndexFault.LayoutDigestInvalid, "A digest is 64 lower-case hex digits.");
        }

        if (index.Chunks.Count != index.Geometry.Count)
        {
            throw new FormatFaultException(
                IndexFault.ChunkCountMismatch, $"{index.Chunks.Count} chunks instead of {index.Geometry.Count}.");
        }

        if (index.Packs.Count > ShardIndex.MaxPacks || index.Extra.Length > ShardIndex.MaxExtraBytes)
        {
            throw new FormatFaultException(
                IndexFault.CountInvalid, $"{index.Packs.Count} packs, {index.Extra.Length} extra bytes.");
        }
    }

    private static void CheckPacks(ShardIndex index)
    {
        for (var i = 0; i < index.Packs.Count; i++)
        {
            var pack = index.Packs[i];
            if (pack.Number is < 0 or > PackHeader.MaxNumber || pack.Checkpoint.Attempt.Value < Attempt.MinValue)
            {
                throw new FormatFaultException(IndexFault.IdentityInvalid, $"Pack {i} has number {pack.Number}.");
            }

            if (pack.PackBytes is < MinPackBytes or > MaxPackBytes)
            {
                throw new FormatFaultException(IndexFault.PackLengthInvalid, $"Pack {i} has {pack.PackBytes} bytes.");
            }

            if (i > 0 && Compare(index.Packs[i - 1], pack) >= 0)
            {
                throw new FormatFaultException(IndexFault.PackOrderInvalid, $"Pack {i} is not behind the one before it.");
            }
        }
    }

    private static void CheckChunks(ShardIndex index)
    {
        var geometry = index.Geometry;
        var stored = geometry.CountIn(index.StoredBytes);
        for (var i = 0; i < index.Chunks.Count; i++)
        {
            var chunk = index.Chunks[i];
            if (i >= stored || chunk.Codec == CodecId.Elsewhere)
            {
                if (i < stored || chunk != ChunkEntry.ElsewhereOf(chunk.Hash))
                {
                    throw new FormatFaultException(
                        IndexFault.StoredPrefixMismatch, $"Chunk {i} has codec {chunk.Codec}; {stored} chunks are stored.");
                }

                continue;
            }

            if (!chunk.Codec.IsSupported())
            {
                throw new FormatFaultException(IndexFault.CodecUnsupported, $"Chunk {i} has codec {chunk.Codec}.");
            }

            if (chunk.Pack < 0 || chunk.Pack >= index.Packs.Count)
            {
                throw new FormatFaultException(IndexFault.PackOrdinalInvalid, $"Chunk {i} is in pack {chunk.Pack}.");
            }

            if (chunk.StoredBytes != geometry.LengthOf(i))
            {
                throw new FormatFaultException(
                    IndexFault.StoredLengthInvalid, $"Chunk {i} has {chunk.StoredBytes} bytes for {geometry.LengthOf(i)}.");
            }

            if (chunk.OffsetBytes < MinPackBytes - 1
                || chunk.OffsetBytes + (long)chunk.StoredBytes > index.Packs[chunk.Pack].PackBytes)
            {
                throw new FormatFaultException(IndexFault.OffsetOutOfPack, $"Chunk {i} is at {chunk.OffsetBytes}.");
            }
        }
    }

    private static void CheckPlaces(ShardIndex index)
    {
        var places = index.Chunks
            .Where(chunk => chunk.Codec != CodecId.Elsewhere)
            .OrderBy(chunk => chunk.Pack).ThenBy(chunk => chunk.OffsetBytes).ThenBy(chunk => chunk.StoredBytes)
            .ToArray();
        var used = 0;
        for (var i = 0; i < places.Length; i++)
        {
            if (i == 0 || places[i].Pack != places[i - 1].Pack)
            {
                used++;
            }
            else if (places[i] != places[i - 1]
                && places[i].OffsetBytes < places[i - 1].OffsetBytes + places[i - 1].StoredBytes)
            {
                throw new FormatFaultException(
                    IndexFault.ChunksOverlap, $"At {places[i].OffsetBytes} in pack {places[i].Pack}.");
            }
        }

        if (used != index.Packs.Count)
        {
            throw new FormatFaultException(IndexFault.PackUnused, $"{index.Packs.Count} packs, {used} of them used.");
        }
    }

    private static void CheckExtra(ReadOnlySpan<byte> extra)
    {
        if (extra.IsEmpty)
        {
            return;
        }

        try
        {
            var reader = new Utf8JsonReader(extra);
            while (reader.Read())
            {
            }
        }
        catch (JsonException e)
        {
            throw new FormatFaultException(IndexFault.ExtraNotJson, e.Message);
        }
    }

    private static int Compare(PackReference left, PackReference right)
    {
        var byCheckpoint = left.Checkpoint.CompareTo(right.Checkpoint);
        var order = byCheckpoint != 0 ? byCheckpoint : left.Rank.CompareTo(right.Rank);
        return order != 0 ? order : left.Number.CompareTo(right.Number);
    }
}
