using System.Diagnostics;
using System.Globalization;
using Checkpointer.Agent.Arenas;
using Checkpointer.Agent.Tests.Arenas;
using Checkpointer.Contracts.Runs;
using Checkpointer.Contracts.Trainers;
using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Layouts;
using Checkpointer.Storage;

namespace Checkpointer.Agent.Tests.Draining;

/// <summary>What this executable does when a test runs it again as a child. The first argument is a folder.</summary>
internal static class EngineChildren
{
    public const string FullMemory = "engine-full-memory";
    public const string FullAtBegin = "engine-full-at-begin";
    public const string Measure = "engine-measure";

    public static readonly IReadOnlyDictionary<string, Func<string[], Task<int>>> Programs =
        new Dictionary<string, Func<string[], Task<int>>>
        {
            [FullMemory] = FullMemoryAsync,
            [FullAtBegin] = FullAtBeginAsync,
            [Measure] = MeasureAsync,
        };

    /// <summary>The folder is a file system too small for two slots, though the budget is large.</summary>
    private static async Task<int> FullMemoryAsync(string[] arguments)
    {
        await using var engine = await Engine.StartAsync(
            Path.Combine(arguments[0], "arena"), ObjectStores.Open(Path.Combine(arguments[0], "store")));
        try
        {
            await engine.RegisterAsync(TestImage.Plain(1_500_000));
            Console.WriteLine("two slots of 2.5 MB fitted into 3 MiB");
            return 1;
        }
        catch (CheckpointerException e) when (e.Code == ErrorCode.MemoryBudgetExceeded)
        {
            // What was taken for the refused one is there for a smaller one.
            var small = TestImage.Plain(50_000);
            await Engine.SaveAsync(await engine.RegisterAsync(small), 1, TestImage.Bytes(small, 1));
            Console.WriteLine(e.Message);
            return engine.Budget.UsedBytes < 3 << 20 ? 0 : 2;
        }
    }

    /// <summary>
    /// The folder is a file system of 3 MiB, large enough for two slots until something else takes its room, before the
    /// second slot has its memory.
    /// </summary>
    private static async Task<int> FullAtBeginAsync(string[] arguments)
    {
        await using var engine = await Engine.StartAsync(
            Path.Combine(arguments[0], "arena"), ObjectStores.Open(Path.Combine(arguments[0], "store")));
        using var pause = engine.Prefaulter.Pause();
        var layout = TestImage.Plain(300_000);
        var image = TestImage.Bytes(layout, 1);
        var pool = await engine.RegisterAsync(layout);
        var slotBytes = engine.Budget.UsedBytes / 2;
        await Engine.SaveAsync(pool, 1, image);
        var ballast = Path.Combine(arguments[0], "ballast");
        await File.WriteAllBytesAsync(ballast, new byte[new DriveInfo(arguments[0]).AvailableFreeSpace - 100_000]);

        // The first by reserving, the second because the slot could not be made anew.
        foreach (var step in new[] { 2, 3 })
        {
            await RefusedAsync(() => Engine.BeginAsync(pool, step));
            var report = engine.Service.Snapshots[^1];
            Check(
                (report.Step.Value, report.Outcome) == (step, SnapshotOutcome.Refused)
                    && report.Reason!.Contains("shared memory", StringComparison.Ordinal),
                report.ToString());
            await Engine.EventuallyAsync(() => engine.Budget.UsedBytes == slotBytes, "the budget has one slot left");
        }

        using (var lease = pool.TryLease(TestImage.Id(1)))
        {
            lease!.VerifyAll(2, CancellationToken.None);
        }

        File.Delete(ballast);
        await Engine.SaveAsync(pool, 4, image);
        Check(engine.Budget.UsedBytes == 2 * slotBytes, $"{engine.Budget.UsedBytes} bytes");
        Check(engine.Arenas.Holdings.Count == 2, "both images are held");
        return 0;
    }

    private static async Task RefusedAsync(Func<Task> action)
    {
        try
        {
            await action();
        }
        catch (CheckpointerException e) when (e.Code == ErrorCode.MemoryBudgetExceeded)
        {
            return;
        }

        throw new InvalidOperationException("It was not refused.");
    }

    private static void Check(bool holds, string what)
    {
        if (!holds)
        {
            throw new InvalidOperationException(what);
        }
    }

    /// <summary>Arguments: folder of the store, MiB. Prints speeds of sealing and draining beside raw write and fsync.</summary>
    private static async Task<int> MeasureAsync(string[] arguments)
    {
        var bytes = long.Parse(arguments[1], CultureInfo.InvariantCulture) << 20;
        var arena = Path.Combine("/dev/shm", "measure-" + Environment.ProcessId);
        try
        {
            var layout = new LayoutBuilder().Add("w", DType.BF16, [bytes / 2]).Build();
            await using var engine = await Engine.StartAsync(
                arena,
                ObjectStores.Open(Path.Combine(arguments[0], "store")),
                budgetBytes: 4 * bytes,
                arenas: new ArenaOptions { Node = "n1", Root = arena, ChunkBytes = ChunkGeometry.DefaultChunkBytes });
            var watch = Stopwatch.StartNew();
            var pool = await engine.RegisterAsync(layout);
            Print("reserve two slots", 2 * bytes, watch);
            for (var step = 1; step <= 3; step++)
            {
                var slot = await Engine.BeginAsync(pool, step, durable: true);
                watch.Restart();
                Fill(slot, bytes, step);
                Print("fill by pwrite", bytes, watch);
                watch.Restart();
                Engine.Seal(pool, step);
                await Engine.ReachAsync(pool, step, SnapshotState.Sealed);
                Print("seal", bytes, watch);
                await Engine.ReachAsync(pool, step, SnapshotState.Durable);
                var drainMs = engine.Service.Shards[^1].DrainMs;
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"drain {bytes / drainMs / 1e6:F2} GB/s"));
                WriteRaw(Path.Combine(arguments[0], "raw"), slot, bytes);
                engine.Arenas.Observe(Engine.Progress(globallySealed: TestImage.Id(step)));
            }

            return 0;
        }
        finally
        {
            Directory.Delete(arena, recursive: true);
        }
    }

    private static void Fill(SlotLocation slot, long bytes, int seed)
    {
        var block = new byte[8 << 20];
        new Random(seed).NextBytes(block);
        using var file = File.OpenHandle(slot.Path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        for (long at = 0; at < bytes; at += block.Length)
        {
            RandomAccess.Write(file, block, slot.DataOffset + at);
        }
    }

    private static void WriteRaw(string path, SlotLocation slot, long bytes)
    {
        var block = new byte[8 << 20];
        using var source = File.OpenHandle(slot.Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        RandomAccess.Read(source, block, slot.DataOffset);
        var watch = Stopwatch.StartNew();
        using (var file = File.OpenHandle(path, FileMode.Create, FileAccess.Write))
        {
            for (long at = 0; at < bytes; at += block.Length)
            {
                RandomAccess.Write(file, block, at);
            }

            RandomAccess.FlushToDisk(file);
        }

        Print("raw write and fsync", bytes, watch);
        File.Delete(path);
    }

    private static void Print(string what, long bytes, Stopwatch watch) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture, $"{what} {bytes / watch.Elapsed.TotalSeconds / 1e9:F2} GB/s"));
}
