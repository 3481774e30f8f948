using System.Globalization;
using Checkpointer.Agent.Arenas;
using Checkpointer.Contracts.Runs;
using Checkpointer.Contracts.Trainers;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Layouts;
using Checkpointer.Storage;
using Checkpointer.TestKit;
using Checkpointer.TestKit.Processes;
using static Checkpointer.Agent.Tests.Arenas.Engine;
using static Checkpointer.Agent.Tests.Arenas.TestImage;

namespace Checkpointer.Agent.Tests.Arenas;

/// <summary>Slots get their memory in the background, or from whoever uses them first.</summary>
public sealed class ReservingTests : IAsyncLifetime
{
    private const long FileBytes = 1 << 20;

    private readonly TemporaryFolder _folder = new("/dev/shm");
    private readonly Layout _layout = Plain(50_001);
    private readonly List<long> _closed = [];
    private Engine _engine = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _engine = await StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _engine.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Prefault_Paused_StandsStillUntilTheLastPauseEnds()
    {
        var file = Create("a");
        var first = _engine.Prefaulter.Pause();
        var second = _engine.Prefaulter.Pause();
        _engine.Prefaulter.Enqueue(file);
        first.Dispose();
        first.Dispose();
        Assert.False(file.IsReserved);

        // Who needs the memory does not wait for the end of pauses.
        Assert.True(file.Reserve(() => true, Cancel));
        Assert.True(file.IsReserved);
        var other = Create("b");
        _engine.Prefaulter.Enqueue(other);
        Assert.False(other.IsReserved);

        second.Dispose();
        await EventuallyAsync(() => other.IsReserved, "pre-faulting goes on");
        file.Release();
        other.Release();
        await EventuallyAsync(() => _closed.Count == 2, "both are unmapped");
    }

    [Fact]
    public void Prefault_OfAFileThatIsGone_DoesNotKeepItsMemory()
    {
        using var pause = _engine.Prefaulter.Pause();
        var file = Create("a");
        _engine.Prefaulter.Enqueue(file);

        file.Release();

        Assert.Equal([FileBytes], _closed);
    }

    [Fact]
    public async Task Restore_WhilePrefaulting_HasItsMemoryAndLetsOthersSave()
    {
        using var pause = _engine.Prefaulter.Pause();
        var pool = await _engine.RegisterAsync(_layout);
        using (var slot = await pool.OpenForRestoreAsync(new(1), Id(10), Cancel))
        {
            var other = await _engine.RegisterAsync(_layout, rank: 1);
            await SaveAsync(other, 11, Bytes(_layout, 2));
            Bytes(_layout, 1).CopyTo(slot.Write(0, 50_001));
            using var lease = await slot.CompleteAsync(verified: null, extra: null, Cancel);
            Assert.Equal(Bytes(_layout, 1), lease.Read(0, 50_001).ToArray());
        }

        Assert.True(await AllocatedAsync(pool.Locations[0]));
        Assert.False(await AllocatedAsync(pool.Locations[1]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Restore_FilledByStretches_HasThemAllWhetherOrNotItsPagesWereThere(bool present)
    {
        var image = Bytes(_layout, 1);
        using var pause = present ? null : _engine.Prefaulter.Pause();
        var pool = await _engine.RegisterAsync(_layout);
        while (present && !await AllocatedAsync(pool.Locations[0]))
        {
            Cancel.ThrowIfCancellationRequested();
        }

        using var slot = await pool.OpenForRestoreAsync(new(1), Id(10), Cancel);
        await FillAsync(30_000, 20_001);
        await Assert.ThrowsAsync<CheckpointerException>(() => slot.FillAsync(
            0, 30_000, _ => throw new CheckpointerException(ErrorCode.ChunkCorrupt, "wrong bytes")).AsTask());
        await FillAsync(0, 30_000);
        using var lease = await slot.CompleteAsync(verified: null, extra: null, Cancel);

        Assert.Equal(image, lease.Read(0, image.Length).ToArray());
        Assert.True(await AllocatedAsync(lease.Location));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => FillAsync(1, image.Length));

        Task FillAsync(int offset, int length) => slot.FillAsync(offset, length, memory =>
        {
            image.AsSpan(offset, Math.Min(length, image.Length - offset)).CopyTo(memory.Span);
            return ValueTask.CompletedTask;
        }).AsTask();
    }

    [Fact]
    public async Task Restore_GivenUp_EndsItsPause()
    {
        var pool = await _engine.RegisterAsync(_layout);
        using var canceled = new CancellationTokenSource();
        (await pool.OpenForRestoreAsync(new(1), Id(10), Cancel)).Dispose();
        var second = await pool.OpenForRestoreAsync(new(1), Id(10), Cancel);
        second.Dispose();
        second.Dispose();

        var other = await _engine.RegisterAsync(_layout, rank: 1);

        foreach (var location in pool.Locations.Concat(other.Locations))
        {
            while (!await AllocatedAsync(location))
            {
                Cancel.ThrowIfCancellationRequested();
            }
        }
    }

    [Fact]
    public async Task Restart_BeforeSlotsHadTheirMemory_GivesItToThem()
    {
        using (_engine.Prefaulter.Pause())
        {
            var before = await _engine.RegisterAsync(_layout);
            Assert.False(await AllocatedAsync(before.Locations[0]));
            await _engine.DisposeAsync();
        }

        _engine = await StartAsync();
        var pool = _engine.Arenas.Find(Run, new(0))!;
        Assert.Equal(2, pool.Locations.Count);
        foreach (var location in pool.Locations)
        {
            while (!await AllocatedAsync(location))
            {
                Cancel.ThrowIfCancellationRequested();
            }
        }

        await _engine.RegisterAsync(_layout);
        await SaveAsync(pool, 10, Bytes(_layout, 1));
    }

    // 384 MiB take about a tenth of a second to reserve: long enough to come in between, even if not always.
    [Fact]
    public async Task Begin_GivenUpWhileItsSlotIsReserved_IsToldAndKeepsNothing()
    {
        using var pause = _engine.Prefaulter.Pause();
        var pool = await _engine.RegisterAsync(Plain(384 << 20));
        var begin = BeginAsync(pool, 10);
        await pool.StatusAsync(Id(10), SnapshotState.Open, TimeSpan.Zero, Cancel);
        if (!begin.IsCompleted)
        {
            var early = Assert.Throws<CheckpointerException>(() => Seal(pool, 10));
            Assert.Equal(ErrorCode.CaptureIncomplete, early.Code);
        }

        Assert.Equal(SnapshotState.Failed, pool.Discard(Id(10)).State);
        if (await Record.ExceptionAsync(() => begin) is { } told)
        {
            Assert.Equal(ErrorCode.SnapshotNotOpen, Assert.IsType<CheckpointerException>(told).Code);
        }

        var report = Assert.Single(_engine.Service.Snapshots);
        Assert.Equal((SnapshotOutcome.Discarded, 10L), (report.Outcome, report.Step.Value));
        await BeginAsync(pool, 11);
        pool.Drop();
        await EventuallyAsync(() => _engine.Budget.UsedBytes == 0, "all memory is given back");
    }

    private async Task<Engine> StartAsync() =>
        await Engine.StartAsync(_folder.File("arena"), ObjectStores.Open(_folder.File("store")));

    private ArenaFile Create(string name) =>
        ArenaFile.Create(_folder.File(name + ".arena"), FileBytes, ArenaGeometry.PageBytes, _closed.Add);

    private static async Task<bool> AllocatedAsync(SlotLocation slot)
    {
        var stat = await ChildProcess.ExecuteAsync(["stat", "-c", "%b", slot.Path], null, Cancel);
        return long.Parse(stat.Output, CultureInfo.InvariantCulture) * 512 >= slot.DataOffset + slot.DataBytes;
    }
}
