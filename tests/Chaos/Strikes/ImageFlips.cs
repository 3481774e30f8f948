using Checkpointer.Agent.Arenas;
using Checkpointer.Chaos.Worlds;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Chaos.Strikes;

/// <summary>Flips bits of images in shared memory, behind the agents' backs.</summary>
internal static class ImageFlips
{
    /// <summary>
    /// Flips a bit in the middle of an image of <paramref name="checkpoint"/> of <paramref name="rank"/>. Says where, once the
    /// memory has been seen to hold it so; null if no such image is there.
    /// </summary>
    public static string? Flip(IEnumerable<ChaosNode> nodes, string run, CheckpointId checkpoint, int rank)
    {
        foreach (var node in nodes)
        {
            var folder = Path.Combine(node.Local.ArenaFolder, node.Name, run);
            foreach (var path in Directory.Exists(folder) ? Directory.GetFiles(folder, "*" + RunFolder.Extension) : [])
            {
                using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
                var pages = new byte[2 * ArenaGeometry.PageBytes];
                _ = RandomAccess.Read(file, pages, 0);
                if (ArenaHeader.Newest(pages) is { State: SlotState.Sealed } header
                    && header.Checkpoint == checkpoint && header.Rank.Value == rank)
                {
                    var at = header.DataOffset + (header.ImageBytes / 2);
                    return FlipAt(file, at) ? $"the image of {checkpoint} of rank {header.Rank} on {node.Name}" : null;
                }
            }
        }

        return null;
    }

    private static bool FlipAt(Microsoft.Win32.SafeHandles.SafeFileHandle file, long at)
    {
        Span<byte> before = stackalloc byte[1];
        Span<byte> after = stackalloc byte[1];
        _ = RandomAccess.Read(file, before, at);
        after[0] = (byte)(before[0] ^ 1);
        RandomAccess.Write(file, after, at);
        _ = RandomAccess.Read(file, after, at);
        return after[0] != before[0];
    }
}
