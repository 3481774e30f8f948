using System.Diagnostics;

namespace Checkpointer.Benchmarks.Recovery;

/// <summary>What a reader of a checkpoint must at least do: read its newest packs once, from the disk, into memory of its own.</summary>
internal static class RawReading
{
    private const int BlockBytes = 16 << 20;

    /// <summary>Seconds to read about <paramref name="bytes"/> of the newest packs of <paramref name="run"/>, dropped from the page cache before and after.</summary>
    public static double Seconds(string store, string run, long bytes)
    {
        var packs = Newest(Path.Combine(store, "runs", run, "packs"), bytes);
        Forget(packs);
        var began = Stopwatch.GetTimestamp();
        foreach (var pack in packs)
        {
            using var file = File.OpenHandle(pack);
            var buffer = GC.AllocateUninitializedArray<byte>((int)RandomAccess.GetLength(file));
            for (var at = 0; at < buffer.Length;)
            {
                at += RandomAccess.Read(file, buffer.AsSpan(at, Math.Min(BlockBytes, buffer.Length - at)), at);
            }
        }

        var elapsed = Stopwatch.GetElapsedTime(began).TotalSeconds;
        Forget(packs);
        return elapsed;
    }

    private static List<string> Newest(string folder, long bytes)
    {
        var chosen = new List<string>();
        foreach (var file in new DirectoryInfo(folder).EnumerateFiles("*.pack", SearchOption.AllDirectories).OrderByDescending(file => file.FullName))
        {
            if (bytes <= 0)
            {
                break;
            }

            chosen.Add(file.FullName);
            bytes -= file.Length;
        }

        return chosen;
    }

    // dd asks the kernel to drop what it keeps of a file, which .NET has no call for.
    private static void Forget(List<string> files)
    {
        foreach (var file in files)
        {
            using var dd = Process.Start(new ProcessStartInfo("dd", [$"if={file}", "iflag=nocache", "count=0", "status=none"]));
            dd?.WaitForExit();
        }
    }
}
