using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Indices;

namespace Checkpointer.Formats.Manifests;

/// <summary>Every rule of a manifest that its types do not enforce.</summary>
internal static class ManifestValidator
{
    public static void Check(Manifest manifest)
    {
        Require(manifest.Format == Manifest.FormatName, ManifestFault.WrongFormat, manifest.Format);
        Require(manifest.Version == Manifest.CurrentVersion, ManifestFault.WrongVersion, "version");
        Require(
            manifest.Run != default && manifest.Attempt.Value >= Attempt.MinValue, ManifestFault.FieldInvalid, "run or attempt");
        Require(manifest.WorldSize is >= 1 and <= Manifest.MaxShards, ManifestFault.WorldSizeInvalid, "world_size");
        Require(manifest.ChunkBytes is >= 1 and <= ChunkGeometry.MaxChunkBytes, ManifestFault.LengthInvalid, "chunk_bytes");
        Require(manifest.CreatedAt.Offset == TimeSpan.Zero, ManifestFault.CreatedAtNotUtc, "created_at");
        Require(manifest.Shards.Count == manifest.WorldSize, ManifestFault.ShardsNotOnePerRank, "number of shards");
        CheckShards(manifest);
        Require(manifest.Parent is not { } parent || (parent.Step < manifest.Step && parent.Attempt.Value >= Attempt.MinValue), ManifestFault.ParentNotOlder, "parent");
        CheckLineage(manifest);
    }

    private static void CheckShards(Manifest manifest)
    {
        long imageBytes = 0;
        long storedBytes = 0;
        for (var rank = 0; rank < manifest.Shards.Count; rank++)
        {
            var shard = manifest.Shards[rank];
            Require(shard is not null, ManifestFault.FieldInvalid, "a shard is null");
            Require(shard!.Rank.Value == rank, ManifestFault.ShardsNotOnePerRank, "order of shards");
            Require(
                LowerHex.Is(shard.Layout, 64) && LowerHex.Is(shard.IndexSha256, 64) && LowerHex.Is(shard.Root, 2 * ChunkHash.SizeBytes),
                ManifestFault.DigestInvalid,
                "a shard's layout, index_sha256 or root");
            Require(
                ChunkGeometry.IsValid(shard.ImageBytes, manifest.ChunkBytes)
                && shard.StoredBytes >= 0 && shard.StoredBytes <= shard.ImageBytes
                && shard.IndexBytes is > 0 and <= ShardIndex.MaxBytes
                && shard.NanCount >= 0 && shard.InfCount >= 0,
                ManifestFault.LengthInvalid,
                "a shard's lengths or counts");

            // A million images of at most 2^46 bytes stay within 64 bits only if checked as they are added.
            Require(shard.ImageBytes <= long.MaxValue - imageBytes, ManifestFault.TotalMismatch, "image_bytes");
            imageBytes += shard.ImageBytes;
            storedBytes += shard.StoredBytes;
        }

        Require(imageBytes == manifest.ImageBytes, ManifestFault.TotalMismatch, "image_bytes");
        Require(storedBytes == manifest.StoredBytes, ManifestFault.TotalMismatch, "stored_bytes");
    }

    private static void CheckLineage(Manifest manifest)
    {
        var previous = 0;
        foreach (var entry in manifest.Lineage)
        {
            Require(
                entry is not null && entry.Attempt.Value > previous && entry.Attempt <= manifest.Attempt
                && (entry.ResumedFrom is not { } from || (from.Attempt.Value >= Attempt.MinValue && from.Attempt < entry.Attempt)),
                ManifestFault.LineageInvalid,
                "lineage");
            previous = entry!.Attempt.Value;
        }
    }

    private static void Require(bool condition, ManifestFault fault, string what)
    {
        if (!condition)
        {
            throw new FormatFaultException(fault, $"The value of {what} cannot be.");
        }
    }
}
