using System.Diagnostics.Metrics;
using System.Reflection;
using Checkpointer.Agent.Admission;
using Checkpointer.Agent.Arenas;
using Checkpointer.Agent.Draining;
using Checkpointer.Agent.Sealing;
using Checkpointer.Agent.Tests.Arenas;
using Checkpointer.Contracts.Agents;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;
using Checkpointer.TestKit;
using Checkpointer.TestKit.Interleaving;
using Checkpointer.TestKit.Stores;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Checkpointer.Agent.Tests.Interleaving;

/// <summary>
/// The arenas of one rank with nothing running behind them: who hashes and drains is the test, in what order it likes. Dies and
/// is adopted by the next. Knows what must be held.
/// </summary>
internal sealed class SlotWorld : IDisposable
{
    public static readonly Layout Layout = TestImage.Plain(3_500);

    private readonly Schedule _schedule;
    private readonly TemporaryFolder _folder = new("/dev/shm");
    private readonly ServiceProvider _meters = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly HashSet<CheckpointId> _heard = [];
    private readonly HashSet<CheckpointId> _withdrawn = [];
    private readonly List<SlotLease> _leases = [];
    private NodeArenas _arenas = null!;

    public SlotWorld(Schedule schedule)
    {
        _schedule = schedule;
        Service.Progress = () => Said;
        Service.Withdraw = snapshot => !_heard.Contains(snapshot) && (_withdrawn.Add(snapshot) || true);
        Start();
    }

    public FakeService Service { get; } = new();

    public MemoryBudget Budget { get; private set; } = null!;

    public SealQueue Seals { get; private set; } = null!;

    public DrainQueue Drains { get; private set; } = null!;

    public SlotPool Pool { get; private set; } = null!;

    /// <summary>Tells processes apart.</summary>
    public int Life { get; private set; }

    /// <summary>What the service says, whoever asks; null: it is away.</summary>
    public RunProgress? Said { get; set; }

    /// <summary>The newest step that the rank was told to be of all ranks.</summary>
    public CheckpointId? GloballySealed { get; set; }

    public static byte[] ImageOf(CheckpointId checkpoint) =>
        TestImage.Bytes(Layout, (int)checkpoint.Step.Value + (1000 * checkpoint.Attempt.Value));

    /// <summary>The slot that is being hashed.</summary>
    public Slot? Hashing { get; set; }

    public void Register(int attempt)
    {
        Pool = _arenas.GetOrAdd(TestImage.Run, new Rank(0));
        _ = Pool.RegisterAsync(new Attempt(attempt), 4, Layout, CancellationToken.None).GetAwaiter().GetResult();
    }

    public void Observe(RunProgress progress) => _arenas.Observe(progress);

    /// <summary>A lease that the world keeps in mind, so that a death can forget it.</summary>
    public SlotLease Keep(SlotLease lease)
    {
        _leases.Add(lease);
        return lease;
    }

    public void End(SlotLease lease)
    {
        _leases.Remove(lease);
        lease.Dispose();
    }

    /// <summary>What of the attempt the service may make the newest step of all: reported, not withdrawn, newer than the one before.</summary>
    public List<CheckpointId> Reported(int attempt) =>
    [
        .. Service.Snapshots
            .Where(report => report.Outcome == SnapshotOutcome.Sealed && report.Attempt.Value == attempt)
            .Select(report => new CheckpointId(report.Step, report.Attempt))
            .Where(id => !_withdrawn.Contains(id) && !(id.Step <= GloballySealed?.Step))
            .Distinct(),
    ];

    /// <summary>The service has got the report: it cannot be taken back any more.</summary>
    public void Hear(CheckpointId checkpoint) => _heard.Add(checkpoint);

    /// <summary>What a reader finds: the bytes that the trainer had put there.</summary>
    public static void Verify(SlotLease lease)
    {
        lease.VerifyAll(parallelism: 1, CancellationToken.None);
        Assert.True(
            lease.Read(0, (int)Layout.ImageBytes).Span.SequenceEqual(ImageOf(lease.Checkpoint)), $"{lease.Checkpoint} has other bytes while it is leased.");
    }

    /// <summary>After each step, once what it began in the background is done.</summary>
    public void Check()
    {
        Pool.PendingRefill().GetAwaiter().GetResult();
        if (GloballySealed is { } newest)
        {
            Assert.Contains(Pool.Holdings, held => held.Checkpoint == newest);
        }

        Assert.InRange(Pool.Locations.Count, 0, 2);
        _leases.ForEach(lease => Assert.True(
            lease.Read(0, 8).Span.SequenceEqual(ImageOf(lease.Checkpoint).AsSpan(0, 8)), $"{lease.Checkpoint} was overwritten while it is leased."));
    }

    /// <summary>The process dies at once; the next adopts what lies in the folder.</summary>
    public void Die(int attempt)
    {
        var held = Pool.Holdings.Select(holding => holding.Checkpoint).ToHashSet();
        _schedule.Note($"dies holding {string.Join(", ", held)}");
        Forget();

        // The next one reports all that it finds, as if for the first time.
        _withdrawn.Clear();
        Start();
        Pool = _arenas.GetOrAdd(TestImage.Run, new Rank(0));
        Assert.Superset(held, Pool.Holdings.Select(holding => holding.Checkpoint).ToHashSet());
        Register(attempt);
    }

    /// <summary>When all is given up nothing is left, in the budget or the folder.</summary>
    public void Dispose()
    {
        while (Drains.Waiting.TryRead(out var job))
        {
            job.Lease.Dispose();
        }

        _leases.ToList().ForEach(End);
        if (Hashing is not null)
        {
            Pool.EndUse(Hashing);
        }

        _arenas.Drop(TestImage.Run);
        var (used, files) = (Budget.UsedBytes, Directory.GetFiles(_folder.Path, "*.arena", SearchOption.AllDirectories).Length);
        _arenas.Dispose();
        _meters.Dispose();
        _folder.Dispose();
        Left = (used, files);
    }

    /// <summary>What was left after all was given up.</summary>
    public (long Bytes, int Files) Left { get; private set; }

    private void Start()
    {
        Life++;
        Budget = new MemoryBudget(1 << 30);
        var threads = new InlineThreads();
        var telemetry = new EngineTelemetry(_meters.GetRequiredService<IMeterFactory>(), Budget);
        Seals = new SealQueue(new SealingOptions(), threads, telemetry, NullLogger<SealQueue>.Instance);
        Drains = new DrainQueue(
            new MemoryObjectStore(TimeProvider.System), Service, Service, new DrainingOptions(), telemetry, TimeProvider.System, NullLogger<DrainQueue>.Instance);
        var options = new ArenaOptions
        {
            Node = "n1",
            Root = _folder.Path,
            ChunkBytes = Engine.ChunkBytes,
            ProgressTimeout = TimeSpan.FromMilliseconds(1),
        };
        _arenas = new NodeArenas(
            options, Budget, new Prefaulter(threads), threads, Seals, Drains, Service, Service, TimeProvider.System, NullLogger<NodeArenas>.Instance);
        _arenas.AdoptAsync(CancellationToken.None).GetAwaiter().GetResult();
    }

    /// <summary>Unmaps what a dead process had mapped, and touches none of its files.</summary>
    private void Forget()
    {
        _leases.ForEach(lease => lease.Slot.File.Release());
        _leases.Clear();
        while (Drains.Waiting.TryRead(out var job))
        {
            job.Lease.Slot.File.Release();
        }

        Hashing?.File.Release();
        Hashing = null;
        var slots = (List<Slot>)typeof(SlotPool).GetField("_slots", BindingFlags.NonPublic | BindingFlags.Instance)!.GetValue(Pool)!;
        slots.ForEach(slot => slot.File.Release());
        _arenas.Dispose();
    }

    private sealed class InlineThreads : EngineThreads
    {
        public override Task<T> RunAsync<T>(Func<T> work)
        {
            try
            {
                return Task.FromResult(work());
            }
            catch (CheckpointerException e)
            {
                return Task.FromException<T>(e);
            }
        }
    }
}
