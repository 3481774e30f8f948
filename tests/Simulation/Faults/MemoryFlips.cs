using Checkpointer.Agent.Arenas;
using Checkpointer.Simulation.Processes;

namespace Checkpointer.Simulation.Faults;

/// <summary>Flips a bit of a sealed image where it lies in shared memory, of a node's own rank or of another's copy.</summary>
internal sealed class MemoryFlips(World world)
{
    public bool Flip(Random random)
    {
        var candidates = world.Nodes.Where(node => node.IsUp).SelectMany(SealedArenas).ToList();
        if (candidates.Count == 0)
        {
            return false;
        }

        var (node, path, header) = candidates[random.Next(candidates.Count)];
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        var at = header.DataOffset + random.NextInt64(header.ImageBytes);
        Span<byte> one = stackalloc byte[1];
        _ = RandomAccess.Read(file, one, at);
        one[0] ^= (byte)(1 << random.Next(8));
        RandomAccess.Write(file, one, at);
        world.Model.MemoryDamaged(node, header.Rank, header.Checkpoint);
        return true;
    }

    private static IEnumerable<(SimulatedNode Node, string Path, ArenaHeader Header)> SealedArenas(SimulatedNode node)
    {
        var folder = Path.Combine(node.Folder, World.Run.Value);
        if (!Directory.Exists(folder))
        {
            yield break;
        }

        foreach (var path in Directory.GetFiles(folder, "*" + RunFolder.Extension).Order(StringComparer.Ordinal))
        {
            var pages = new byte[2 * ArenaGeometry.PageBytes];
            using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (RandomAccess.Read(file, pages, 0) == pages.Length && ArenaHeader.Newest(pages) is { State: SlotState.Sealed, ImageBytes: > 0 } header)
            {
                yield return (node, path, header);
            }
        }
    }
}
