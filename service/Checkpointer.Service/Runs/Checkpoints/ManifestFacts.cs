using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Manifests;

namespace Checkpointer.Service.Runs.Checkpoints;

/// <summary>
/// Builds the manifest of a checkpoint whose shards are all durable. Everything in it was settled by recorded events (its time
/// is that of the last shard, its parent was chosen then), so that building it again after a crash gives the same bytes.
/// </summary>
internal static class ManifestFacts
{
    /// <inheritdoc cref="RunState.BuildManifest"/>
    public static Manifest Build(RunState state, CheckpointId checkpoint, int chunkBytes)
    {
        var record = state.Checkpoints.Find(checkpoint);
        Invariant.Holds(record is { State: CheckpointState.Committing or CheckpointState.Committed, Shards: not null });
        return new Manifest
        {
            Run = state.Run,
            Step = checkpoint.Step,
            Attempt = checkpoint.Attempt,
            WorldSize = record.WorldSize,
            ChunkBytes = chunkBytes,
            CreatedAt = record.CompletedAt!.Value,
            Parent = record.Parent,
            Lineage = state.Attempts.PathTo(checkpoint.Attempt).Entries,
            ImageBytes = record.ImageBytes,
            StoredBytes = record.StoredBytes,
            Shards = [.. record.Shards.Select(Describe)],
        };
    }

    private static ManifestShard Describe(StoredShard? shard, int rank) => new()
    {
        Rank = new Rank(rank),
        Layout = shard!.Image.Layout,
        IndexSha256 = shard.IndexSha256,
        IndexBytes = shard.IndexBytes,
        Root = shard.Image.Root,
        ImageBytes = shard.Image.ImageBytes,
        StoredBytes = shard.StoredBytes,
        NanCount = shard.Image.NanCount,
        InfCount = shard.Image.InfCount,
    };
}
