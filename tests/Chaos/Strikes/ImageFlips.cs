using Checkpointer.Agent.Arenas;
using Checkpointer.Chaos.Worlds;

namespace Checkpointer.Chaos.Strikes;

/// <summary>Flips bits of images in shared memory, behind the agents' backs.</summary>
internal static class ImageFlips
{
    /// <summary>
    /// Flips a bit in the middle of each sealed image of <paramref name="rank"/> on <paramref name="nodes"/>: whichever of them is
    /// to be restored. Says where, once memory has been seen to hold them so; null if there is none.
    /// </summary>
    public static string? Flip(IEnumerable<ChaosNode> nodes, string run, int rank)
    {
        var flipped = new List<string>();
        foreach (var node in nodes)
        {
            var folder = Path.Combine(node.Local.ArenaFolder, node.Name, run);
            foreach (var path in Directory.Exists(folder) ? Directory.GetFiles(folder, "*" + RunFolder.Extension) : [])
            {
                using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
                var pages = new byte[2 * ArenaGeometry.PageBytes];
                _ = RandomAccess.Read(file, pages, 0);
                if (ArenaHeader.Newest(pages) is { State: SlotState.Sealed } header && header.Rank.Value == rank
                    && FlipAt(file, header.DataOffset + (header.ImageBytes / 2)))
                {
                    flipped.Add($"{header.Checkpoint} on {node.Name}");
                }
            }
        }

        return flipped.Count == 0 ? null : $"images of rank {rank}: {string.Join(", ", flipped)}";
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
