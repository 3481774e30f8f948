using System.Diagnostics.Metrics;
using Checkpointer.Agent.Admission;
using Checkpointer.Agent.Arenas;
using Checkpointer.Agent.Draining;
using Checkpointer.Agent.Sealing;
using Checkpointer.Contracts.Agents;
using Checkpointer.Contracts.Trainers;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;
using Checkpointer.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;

namespace Checkpointer.Agent.Tests.Arenas;

/// <summary>The engine without a host, and the trainer's side of it.</summary>
internal sealed class Engine : IAsyncDisposable
{
    public const int ChunkBytes = 1000;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly ServiceProvider _meters = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private static readonly EngineThreads Threads = new();
    private readonly BackgroundService[] _services;

    private Engine(
        string root,
        IObjectStore store,
        FakeService service,
        long budgetBytes,
        ArenaOptions? arenas,
        DrainingOptions? draining,
        TimeProvider? time)
    {
        Service = service;
        Budget = new MemoryBudget(budgetBytes);
        time ??= TimeProvider.System;
        var telemetry = new EngineTelemetry(_meters.GetRequiredService<IMeterFactory>(), Budget);
        var seals = new SealQueue(new SealingOptions(), Threads, telemetry, NullLogger<SealQueue>.Instance);
        var drains = new DrainQueue(
            store,
            service,
            service,
            draining ?? new DrainingOptions { RetryDelay = TimeSpan.FromMilliseconds(2), MaxRetryDelay = TimeSpan.FromMilliseconds(20) },
            telemetry,
            time,
            NullLogger<DrainQueue>.Instance);
        arenas ??= new ArenaOptions { Node = "n1", Root = root, ChunkBytes = ChunkBytes };
        Arenas = new NodeArenas(
            arenas, Budget, Prefaulter, Threads, seals, drains, service, service, time, NullLogger<NodeArenas>.Instance);
        _services = [Prefaulter, seals, drains];
    }

    public NodeArenas Arenas { get; }

    public MemoryBudget Budget { get; }

    public Prefaulter Prefaulter { get; } = new(Threads);

    public FakeService Service { get; }

    private static CancellationToken Cancel => TestContext.Current?.CancellationToken ?? CancellationToken.None;

    /// <summary>Adopts what is there and starts the background work.</summary>
    public static async Task<Engine> StartAsync(
        string root,
        IObjectStore store,
        FakeService? service = null,
        long budgetBytes = 1 << 30,
        ArenaOptions? arenas = null,
        DrainingOptions? draining = null,
        TimeProvider? time = null)
    {
        var engine = new Engine(root, store, service ?? new FakeService(), budgetBytes, arenas, draining, time);
        await engine.Arenas.AdoptAsync(Cancel);
        foreach (var background in engine._services)
        {
            await background.StartAsync(Cancel);
        }

        return engine;
    }

    public async Task<SlotPool> RegisterAsync(Layout layout, int rank = 0, int attempt = 1, int worldSize = 4)
    {
        var pool = Arenas.GetOrAdd(TestImage.Run, new Rank(rank));
        await pool.RegisterAsync(new Attempt(attempt), worldSize, layout, Cancel);
        return pool;
    }

    public static Task<SlotLocation> BeginAsync(SlotPool pool, long step, int attempt = 1, bool durable = false) =>
        pool.BeginAsync(
            new BeginSnapshotRequest
            {
                Attempt = new Attempt(attempt),
                Step = new Step(step),
                Layout = pool.Layout!.Digest,
                Durable = durable,
            },
            Cancel);

    /// <summary>Writes as a trainer does: into the file that it was named.</summary>
    public static void Write(SlotLocation slot, byte[] image)
    {
        using var file = File.OpenHandle(slot.Path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        RandomAccess.Write(file, image, slot.DataOffset);
    }

    public static SnapshotStatus Seal(SlotPool pool, long step, int attempt = 1, long? bytes = null, string? extra = null) => pool.Seal(
        new Step(step),
        new SealSnapshotRequest
        {
            Attempt = new Attempt(attempt),
            CapturedBytes = bytes ?? pool.Layout!.ImageBytes,
            Extra = extra is null ? null : System.Text.Json.JsonElement.Parse(extra),
        });

    /// <summary>Begins, writes and seals, and waits for <paramref name="until"/>.</summary>
    public static async Task<SnapshotStatus> SaveAsync(
        SlotPool pool,
        long step,
        byte[] image,
        int attempt = 1,
        bool durable = false,
        SnapshotState until = SnapshotState.Sealed,
        string? extra = null)
    {
        Write(await BeginAsync(pool, step, attempt, durable), image);
        Seal(pool, step, attempt, extra: extra);
        return await ReachAsync(pool, step, until, attempt);
    }

    public static async Task<SnapshotStatus> ReachAsync(SlotPool pool, long step, SnapshotState until, int attempt = 1)
    {
        var status = await pool.StatusAsync(TestImage.Id(step, attempt), until, Patience, Cancel);
        Assert.True(
            status.State == until || (status.State > until && status.State != SnapshotState.Failed),
            $"{status} never became {until}");
        return status;
    }

    /// <summary>Waits until something holds.</summary>
    public static async Task EventuallyAsync(Func<bool> condition, string what)
    {
        var begun = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(begun) < Patience, $"never: {what}");
            await Task.Delay(2, Cancel);
        }
    }

    public static RunProgress Progress(
        int attempt = 1,
        CheckpointId? globallySealed = null,
        CheckpointId? resumedFrom = null,
        CheckpointId? committed = null,
        params CheckpointId[] givenUp) => new()
        {
            Run = TestImage.Run,
            Attempt = new Attempt(attempt),
            GloballySealed = globallySealed,
            ResumedFrom = resumedFrom,
            Committed = committed,
            GivenUp = givenUp,
        };

    /// <summary>Stops as a process does that is asked to: what lies in the arenas stays.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var background in _services.Reverse())
        {
            await background.StopAsync(CancellationToken.None);
            Assert.False(background.ExecuteTask?.IsFaulted ?? false, background.ExecuteTask?.Exception?.ToString());
        }

        Arenas.Dispose();
        await _meters.DisposeAsync();
    }
}
