using Checkpointer.Storage;
using Checkpointer.TestKit.Checkpoints;

namespace Checkpointer.Agent.Tests.Worlds;

/// <summary>Writes a world's checkpoint into a store.</summary>
internal static class StoredWorld
{
    private const int PayloadBytes = 5 * TestWorld.DefaultChunkBytes;

    /// <summary>All of it, the manifest last.</summary>
    public static async Task SaveAsync(this TestWorld world, IObjectStore store)
    {
        var writer = new CheckpointWriter(store, TestWorld.Run, TestWorld.Checkpoint, world.Size, world.ChunkBytes, PayloadBytes);
        foreach (var rank in world.Ranks)
        {
            _ = await writer.WriteShardAsync(rank, world.LayoutOf(rank), world.ImageOf(rank), TestWorld.Extra(rank));
        }

        await writer.CommitAsync();
    }
}
