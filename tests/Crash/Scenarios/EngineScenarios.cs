using System.Text;
using Checkpointer.Agent.Arenas;
using Checkpointer.Agent.Tests.Arenas;
using Checkpointer.Agent.Tests.Draining;
using Checkpointer.Contracts.Runs;
using Checkpointer.Contracts.Trainers;
using Checkpointer.Formats.Identity;
using Checkpointer.Storage;
using Checkpointer.Storage.CrashPoints;
using Checkpointer.TestKit;
using Checkpointer.TestKit.Processes;

namespace Checkpointer.Crash.Tests.Scenarios;

/// <summary>
/// The agent amid saves: what a trainer was told to be captured becomes durable without the trainer, byte for byte, by the
/// agent that takes over; what it was not told of it can save again.
/// </summary>
internal static class EngineScenarios
{
    // Two slots are made and registered, one is opened, captured, sealed and drained.
    private const int HeadersOfASave = 8;

    public static IReadOnlyList<CrashScenario> All { get; } =
    [
        new(
            CrashTable.Agent,
            "save",
            [
                .. CrashTable.Names.Where(name => name.StartsWith("snapshot.", StringComparison.Ordinal) || name.StartsWith("drain.", StringComparison.Ordinal)),
                CrashPointNames.DrainPackPut + ":2",
                CrashPointNames.ArenaCreated,
                CrashPointNames.ArenaCreated + ":2",
                CrashPointNames.ArenaLayoutWritten,
                CrashPointNames.ArenaLayoutNamed,
                CrashPointNames.ArenaExtraWritten,
                CrashPointNames.ArenaSealWritten,
                .. Enumerable.Range(1, HeadersOfASave).Select(time => $"{CrashPointNames.ArenaHeaderWritten}:{time}"),
            ],
            crashAt => SaveAsync(crashAt)),
        new(
            CrashTable.Agent,
            "adopt",
            [CrashPointNames.ArenaLayoutSwept, CrashPointNames.ArenaRefused],
            crashAt => SaveAsync(
                crashAt == CrashPointNames.ArenaRefused ? CrashPointNames.SnapshotOpened : CrashPointNames.ArenaLayoutNamed, crashAt)),
        new(
            CrashTable.Agent,
            "register another layout",
            [
                CrashPointNames.ArenaUnlinked, CrashPointNames.ArenaUnlinked + ":2", CrashPointNames.ArenaLayoutDeleted,
                CrashPointNames.ArenaCreated + ":3", CrashPointNames.ArenaLayoutNamed + ":2",
            ],
            RelayoutAsync),
    ];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static async Task SaveAsync(params string[] crashes)
    {
        using var folder = new TemporaryFolder("/dev/shm");
        var captured = false;
        foreach (var crashAt in crashes)
        {
            var killed = await ChildProcess.RunAsync(EngineChildren.Save, [folder.Path], crashAt, Cancel);
            Assert.True(killed.WasKilled, killed.ToString());
            captured |= killed.Output.Contains(EngineChildren.Captured, StringComparison.Ordinal);
        }

        var store = ObjectStores.Open(folder.File("store"));
        var image = TestImage.Bytes(EngineChildren.Layout, 1);
        await using var engine = await EngineChildren.StartAsync(folder.Path);
        var pool = engine.Arenas.Find(TestImage.Run, new Rank(0));
        var goesOn = pool is not null && await KnowsAsync(pool, 10);
        Assert.True(goesOn || !captured, "What was captured is forgotten.");
        if (!goesOn)
        {
            // The trainer sees another agent instance, registers and begins the same step again.
            Assert.Empty(engine.Arenas.Holdings);
            pool = await engine.RegisterAsync(EngineChildren.Layout);
            await Engine.EventuallyAsync(() => pool.Locations.Count == 2, "slots of the layout");
            await Engine.SaveAsync(pool, 10, image, durable: true, until: SnapshotState.Durable, extra: EngineChildren.Extra);
        }

        await Engine.ReachAsync(pool!, 10, SnapshotState.Durable);
        var reports = engine.Service.Shards.Count == 0 ? 0 : 1;
        Assert.Equal(reports, engine.Service.Shards.Count);
        await CheckAsync(store, 10, image[..9_500], EngineChildren.Extra);
        Assert.Equal(TestImage.Id(10), Assert.Single(engine.Arenas.Holdings).Checkpoint);
        Assert.Equal(SnapshotOutcome.Sealed, engine.Service.Snapshots[0].Outcome);

        // The checkpoint is durable now, and a third agent knows.
        await engine.DisposeAsync();
        await using var third = await EngineChildren.StartAsync(folder.Path);
        Assert.Equal(SnapshotState.Durable, (await Engine.ReachAsync(
            third.Arenas.Find(TestImage.Run, new Rank(0))!, 10, SnapshotState.Durable)).State);
        Assert.Equal(0, third.Arenas.PendingDrains);
        Assert.Empty(third.Service.Shards);
        Assert.Single(Directory.GetFiles(folder.File("arena/n1/sft-demo/layouts")));
    }

    private static async Task RelayoutAsync(string crashAt)
    {
        using var folder = new TemporaryFolder("/dev/shm");
        var killed = await ChildProcess.RunAsync(EngineChildren.Relayout, [folder.Path], crashAt, Cancel);
        Assert.True(killed.WasKilled, killed.ToString());
        var newest = killed.Output.Contains("step 20", StringComparison.Ordinal) ? 20 : 10;

        var store = ObjectStores.Open(folder.File("store"));
        await using var engine = await EngineChildren.StartAsync(folder.Path);
        var pool = engine.Arenas.Find(TestImage.Run, new Rank(0))!;
        using (var lease = engine.Arenas.TryLease(TestImage.Run, new Rank(0), TestImage.Id(newest)))
        {
            Assert.NotNull(lease);
            lease.VerifyAll(parallelism: 1, Cancel);
        }

        engine.Arenas.Observe(Engine.Progress(globallySealed: TestImage.Id(newest), committed: TestImage.Id(newest)));
        pool = await engine.RegisterAsync(EngineChildren.Wider);
        var image = TestImage.Bytes(EngineChildren.Wider, 3);
        await Engine.SaveAsync(pool, 30, image, durable: true, until: SnapshotState.Durable);
        await CheckAsync(store, 30, image[..12_500], "");
        engine.Arenas.Observe(Engine.Progress(globallySealed: TestImage.Id(30), committed: TestImage.Id(30)));
        await Engine.EventuallyAsync(
            () => Directory.GetFiles(folder.File("arena/n1/sft-demo/layouts")).Length == 1, "only the layout in use to stay");
        Assert.Contains(engine.Arenas.Holdings, held => held.Checkpoint == TestImage.Id(30));
    }

    private static async Task CheckAsync(IObjectStore store, int step, byte[] stored, string extra)
    {
        var index = await ShardReader.ReadIndexAsync(store, TestImage.Run, TestImage.Id(step));
        Assert.Equal(stored, await ShardReader.ReadAsync(store, TestImage.Run, index));
        Assert.Equal(extra, Encoding.UTF8.GetString(index.Extra.Span));
        Assert.Equal(4, index.WorldSize);
    }

    private static async Task<bool> KnowsAsync(SlotPool pool, int step)
    {
        try
        {
            _ = await pool.StatusAsync(TestImage.Id(step), SnapshotState.Open, TimeSpan.Zero, Cancel);
            return true;
        }
        catch (Formats.Errors.CheckpointerException e) when (e.Code == Formats.Errors.ErrorCode.NotFound)
        {
            return false;
        }
    }
}
