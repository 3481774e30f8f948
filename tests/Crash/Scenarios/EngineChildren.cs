using Checkpointer.Agent.Draining;
using Checkpointer.Agent.Tests.Arenas;
using Checkpointer.Contracts.Trainers;
using Checkpointer.Formats.Layouts;
using Checkpointer.Storage;

namespace Checkpointer.Crash.Tests.Scenarios;

/// <summary>An agent's engine as a process of its own, to be killed. The argument is a folder in memory.</summary>
internal static class EngineChildren
{
    public const string Save = "engine-save";
    public const string Relayout = "engine-relayout";

    /// <summary>What a trainer is told by then, printed.</summary>
    public const string Captured = "captured";

    /// <summary>The image that is saved: several chunks, several packs, a tail that another rank stores.</summary>
    public static readonly Layout Layout = TestImage.WithReplica(9_500, 3_000);

    /// <summary>What a trainer that came back registers instead.</summary>
    public static readonly Layout Wider = TestImage.WithReplica(12_500, 3_000);

    public const string Extra = """{"data_cursor":7}""";

    public static readonly DrainingOptions Draining = new() { PackPayloadBytes = 4 * Engine.ChunkBytes };

    public static readonly IReadOnlyDictionary<string, Func<string[], Task<int>>> Programs =
        new Dictionary<string, Func<string[], Task<int>>> { [Save] = SaveAsync, [Relayout] = RelayoutAsync };

    public static Task<Engine> StartAsync(string folder) => Engine.StartAsync(
        Path.Combine(folder, "arena"), ObjectStores.Open(Path.Combine(folder, "store")), draining: Draining);

    /// <summary>Saves step 10 of seed 1 durably, waits until it is, and ends with 0: unless a crash point ends it before.</summary>
    private static async Task<int> SaveAsync(string[] arguments)
    {
        await using var engine = await StartAsync(arguments[0]);
        var pool = await engine.RegisterAsync(Layout);
        Engine.Write(await Engine.BeginAsync(pool, 10, durable: true), TestImage.Bytes(Layout, 1));
        Engine.Seal(pool, 10, extra: Extra);
        Console.WriteLine(Captured);
        _ = await Engine.ReachAsync(pool, 10, SnapshotState.Durable);
        return 0;
    }

    /// <summary>Saves step 10, registers another layout, and saves step 20 in it; each is sealed by all ranks then.</summary>
    private static async Task<int> RelayoutAsync(string[] arguments)
    {
        await using var engine = await StartAsync(arguments[0]);
        var pool = await engine.RegisterAsync(Layout);
        await Engine.SaveAsync(pool, 10, TestImage.Bytes(Layout, 1), durable: true, until: SnapshotState.Durable, extra: Extra);
        engine.Arenas.Observe(Engine.Progress(globallySealed: TestImage.Id(10), committed: TestImage.Id(10)));
        Console.WriteLine("step 10");
        pool = await engine.RegisterAsync(Wider);
        await Engine.SaveAsync(pool, 20, TestImage.Bytes(Wider, 2), durable: true, until: SnapshotState.Durable);
        Console.WriteLine("step 20");
        engine.Arenas.Observe(Engine.Progress(globallySealed: TestImage.Id(20), committed: TestImage.Id(20)));
        await Engine.EventuallyAsync(() => engine.Arenas.Holdings.Count == 1, "the older image to go");
        return 0;
    }
}
