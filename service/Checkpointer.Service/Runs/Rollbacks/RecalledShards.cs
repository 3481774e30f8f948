using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Manifests;
using Checkpointer.Service.Runs.Checkpoints;

namespace Checkpointer.Service.Runs.Rollbacks;

/// <summary>The shards of a checkpoint so old that only its manifest still tells of them; a plan needs them.</summary>
/// <param name="Checkpoint">Which.</param>
/// <param name="Shards">By rank.</param>
internal sealed record RecalledShards(CheckpointId Checkpoint, IReadOnlyList<StoredShard> Shards)
{
    /// <summary>What a manifest says of them.</summary>
    public static RecalledShards Of(Manifest manifest) => new(
        manifest.Checkpoint,
        [
            .. manifest.Shards.OrderBy(shard => shard.Rank.Value).Select(shard => new StoredShard
            {
                IndexSha256 = shard.IndexSha256,
                IndexBytes = shard.IndexBytes,
                StoredBytes = shard.StoredBytes,
                Image = new ImageFacts
                {
                    Layout = shard.Layout,
                    ImageBytes = shard.ImageBytes,
                    Root = shard.Root,
                    NanCount = shard.NanCount,
                    InfCount = shard.InfCount,
                },
            }),
        ]);
}
