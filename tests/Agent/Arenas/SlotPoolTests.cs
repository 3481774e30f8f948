using Checkpointer.Agent.Arenas;
using Checkpointer.Contracts.Runs;
using Checkpointer.Contracts.Trainers;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;
using Checkpointer.Storage;
using Checkpointer.TestKit;
using static Checkpointer.Agent.Tests.Arenas.Engine;
using static Checkpointer.Agent.Tests.Arenas.TestImage;

namespace Checkpointer.Agent.Tests.Arenas;

public sealed class SlotPoolTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new("/dev/shm");
    private readonly FakeService _service = new();
    private readonly Layout _layout = Plain(5001);
    private Engine _engine = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() =>
        _engine = await StartAsync(_folder.File("arena"), ObjectStores.Open(_folder.File("store")), _service);

    public async ValueTask DisposeAsync()
    {
        await _engine.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Save_OneSnapshot_IsSealedHeldAndReported()
    {
        var pool = await _engine.RegisterAsync(_layout);
        var image = Bytes(_layout, 1);

        var status = await SaveAsync(pool, 10, image, extra: """{"data_cursor":7}""");

        Assert.Equal(SnapshotState.Sealed, status.State);
        var holding = Assert.Single(_engine.Arenas.Holdings);
        Assert.Equal((Id(10), status.Root, 5001L), (holding.Checkpoint, holding.Image.Root, holding.Image.ImageBytes));
        var report = Assert.Single(_service.Snapshots);
        Assert.Equal((SnapshotOutcome.Sealed, "n1", false), (report.Outcome, report.Node, report.Durable));
        Assert.Equal(holding.Image, report.Image);
        using var lease = _engine.Arenas.TryLease(Run, new Rank(0), Id(10))!;
        lease.VerifyAll(2, Cancel);
        Assert.Equal(image, lease.Read(0, 5001).ToArray());
        Assert.Equal(7, lease.Extra!.Value.GetProperty("data_cursor").GetInt32());
        Assert.Equal(4, lease.WorldSize);
        Assert.Null(_engine.Arenas.TryLease(Run, new Rank(0), Id(11)));
    }

    [Fact]
    public void Observe_AGrantRepeated_ForgetsNothingForPoolsToCome()
    {
        _engine.Arenas.Observe(Progress(attempt: 2, globallySealed: Id(20, 2), committed: Id(20, 2)));
        _engine.Arenas.Observe(Progress(attempt: 2, resumedFrom: Id(10)));
        _engine.Arenas.Observe(Progress(attempt: 1, globallySealed: Id(15)));

        var progress = _engine.Arenas.GetOrAdd(Run, new Rank(3)).Progress!;

        Assert.Equal((Id(20, 2), Id(20, 2), Id(10)), (progress.GloballySealed, progress.Committed, progress.ResumedFrom));
    }

    [Fact]
    public async Task Begin_RepeatedWhileOpen_GivesTheSameSlot()
    {
        var pool = await _engine.RegisterAsync(_layout);

        Assert.Equal(await BeginAsync(pool, 10), await BeginAsync(pool, 10));

        Seal(pool, 10);
        await FailsAsync(ErrorCode.StepOutOfOrder, () => BeginAsync(pool, 10));
        await FailsAsync(ErrorCode.StepOutOfOrder, () => BeginAsync(pool, 9));
    }

    [Fact]
    public async Task Begin_WrongAttemptOrLayout_IsRefused()
    {
        var pool = await _engine.RegisterAsync(_layout, attempt: 2);
        await FailsAsync(ErrorCode.StaleAttempt, () => BeginAsync(pool, 10, attempt: 1));
        await FailsAsync(ErrorCode.StaleAttempt, () => _engine.RegisterAsync(_layout, attempt: 1));
        var request = new BeginSnapshotRequest { Attempt = new Attempt(2), Step = new Step(1), Layout = new string('0', 64) };
        await FailsAsync(ErrorCode.LayoutMismatch, () => pool.BeginAsync(request, Cancel));
        _engine.Arenas.Observe(Progress(attempt: 3, resumedFrom: Id(40)));
        await FailsAsync(ErrorCode.StaleAttempt, () => BeginAsync(pool, 10, attempt: 2));
        await FailsAsync(ErrorCode.LayoutMismatch, () => BeginAsync(pool, 41, attempt: 3));
        await _engine.RegisterAsync(_layout, attempt: 3);
        await FailsAsync(ErrorCode.StepOutOfOrder, () => BeginAsync(pool, 40, attempt: 3));
        await FailsAsync(ErrorCode.WorldMismatch, () => _engine.RegisterAsync(_layout, rank: 5, worldSize: 5));
        Assert.Empty(_service.Snapshots);
    }

    [Fact]
    public async Task Begin_NoSlotFree_IsRefusedAndReportedUntilServiceFreesOne()
    {
        var pool = await _engine.RegisterAsync(_layout);
        await SaveAsync(pool, 10, Bytes(_layout, 1));
        await SaveAsync(pool, 20, Bytes(_layout, 2));
        Assert.Equal(0, _service.ProgressCalls);

        await FailsAsync(ErrorCode.SlotBusy, () => BeginAsync(pool, 30));

        Assert.Equal(1, _service.ProgressCalls);
        var refused = _service.Snapshots[^1];
        Assert.Equal((SnapshotOutcome.Refused, 30L), (refused.Outcome, refused.Step.Value));
        Assert.Contains("no slot is free", refused.Reason, StringComparison.Ordinal);

        // Asked in time, the service says that 20 is globally sealed: 10 may go, 20 may not.
        _service.Progress = () => Progress(globallySealed: Id(20));
        await SaveAsync(pool, 40, Bytes(_layout, 4));
        Assert.Equal([Id(20), Id(40)], _engine.Arenas.Holdings.Select(holding => holding.Checkpoint).Order());
    }

    [Fact]
    public async Task Begin_OnlyReadSlotIsReleasable_WaitsForTheReader()
    {
        var pool = await _engine.RegisterAsync(_layout);
        await SaveAsync(pool, 10, Bytes(_layout, 1));
        await SaveAsync(pool, 20, Bytes(_layout, 2));
        _engine.Arenas.Observe(Progress(globallySealed: Id(20)));
        var lease = pool.TryLease(Id(10))!;

        await FailsAsync(ErrorCode.SlotBusy, () => BeginAsync(pool, 30));
        Assert.Equal(Bytes(_layout, 1), lease.Read(0, 5001).ToArray());
        lease.Dispose();
        lease.Dispose();

        await SaveAsync(pool, 40, Bytes(_layout, 4));
        Assert.Throws<ObjectDisposedException>(() => lease.Read(0, 1));
    }

    [Fact]
    public async Task Begin_WhileAnOlderStepIsOpen_DiscardsItAndItsFile()
    {
        var pool = await _engine.RegisterAsync(_layout);
        var first = await BeginAsync(pool, 10);
        using var mapped = File.OpenHandle(first.Path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);

        var second = await BeginAsync(pool, 20);

        Assert.NotEqual(first.Slot, second.Slot);
        Assert.Equal((SnapshotOutcome.Discarded, 10L), (_service.Snapshots[0].Outcome, _service.Snapshots[0].Step.Value));
        Assert.Equal(SnapshotState.Failed, (await ReachAsync(pool, 10, SnapshotState.Failed)).State);
        Fails(ErrorCode.SnapshotNotOpen, () => Seal(pool, 10));

        // What held the first slot may write on: into a file that nobody has any more.
        Write(second, Bytes(_layout, 2));
        Seal(pool, 20);
        await ReachAsync(pool, 20, SnapshotState.Sealed);
        var third = await EventuallyBeginAsync(pool, 30);
        Assert.Equal(first.Slot, third.Slot);
        Assert.NotEqual(first.Generation, third.Generation);
        Write(third, Bytes(_layout, 3));
        RandomAccess.Write(mapped, new byte[5001], first.DataOffset);
        Seal(pool, 30);
        await ReachAsync(pool, 30, SnapshotState.Sealed);
        using var lease = pool.TryLease(Id(30))!;
        Assert.Equal(Bytes(_layout, 3), lease.Read(0, 5001).ToArray());
    }

    [Fact]
    public async Task Observe_NewAttempt_FreesOpenSlotsAndKeepsWhatItResumedFrom()
    {
        var pool = await _engine.RegisterAsync(_layout);
        await SaveAsync(pool, 10, Bytes(_layout, 1));
        await BeginAsync(pool, 20);

        _engine.Arenas.Observe(Progress(attempt: 2, globallySealed: Id(10), resumedFrom: Id(10)));

        Assert.Equal(ErrorCode.StaleAttempt, (await ReachAsync(pool, 20, SnapshotState.Failed)).Error);
        Fails(ErrorCode.StaleAttempt, () => Seal(pool, 20));
        await _engine.RegisterAsync(_layout, attempt: 2);
        Write(await EventuallyBeginAsync(pool, 11, attempt: 2), Bytes(_layout, 2));
        Seal(pool, 11, attempt: 2);
        await ReachAsync(pool, 11, SnapshotState.Sealed, attempt: 2);
        Assert.Equal([Id(10), Id(11, 2)], _engine.Arenas.Holdings.Select(holding => holding.Checkpoint).Order());
        await FailsAsync(ErrorCode.SlotBusy, () => BeginAsync(pool, 12, attempt: 2));

        // Older news changes nothing.
        _engine.Arenas.Observe(Progress(attempt: 1, globallySealed: Id(30)));
        await FailsAsync(ErrorCode.SlotBusy, () => BeginAsync(pool, 13, attempt: 2));
    }

    [Fact]
    public async Task Seal_IncompleteOrUnknownOrWithBadExtra_IsRefused()
    {
        var pool = await _engine.RegisterAsync(_layout);
        Fails(ErrorCode.SnapshotNotOpen, () => Seal(pool, 10));
        await BeginAsync(pool, 10);
        Fails(ErrorCode.CaptureIncomplete, () => Seal(pool, 10, bytes: 5000));
        Fails(ErrorCode.InvalidRequest, () => Seal(pool, 10, extra: "[1]"));
        Fails(ErrorCode.LimitExceeded, () => Seal(pool, 10, extra: Extra(ArenaGeometry.MaxExtraBytes + 1)));

        Assert.Equal(SnapshotState.Captured, Seal(pool, 10, extra: Extra(ArenaGeometry.MaxExtraBytes)).State);

        Assert.True(Seal(pool, 10).State >= SnapshotState.Captured);
        await ReachAsync(pool, 10, SnapshotState.Sealed);
        using var lease = pool.TryLease(Id(10))!;
        Assert.Equal(ArenaGeometry.MaxExtraBytes, lease.ExtraUtf8.Length);

        static string Extra(int bytes) => $$"""{"k":"{{new string('x', bytes - 8)}}"}""";
    }

    [Fact]
    public async Task Status_NotReachedInTime_AnswersWhatIs()
    {
        var pool = await _engine.RegisterAsync(_layout);
        await BeginAsync(pool, 10);

        var status = await pool.StatusAsync(Id(10), SnapshotState.Sealed, TimeSpan.FromMilliseconds(20), Cancel);

        Assert.Equal(SnapshotState.Open, status.State);
        await FailsAsync(ErrorCode.NotFound, () => pool.StatusAsync(Id(11), SnapshotState.Open, TimeSpan.Zero, Cancel));
        var given = pool.Discard(Id(10));
        Assert.Equal((SnapshotState.Failed, ErrorCode.CaptureIncomplete), (given.State, given.Error));
        Assert.Equal(given, pool.Discard(Id(10)));
        Assert.Equal(SnapshotOutcome.Discarded, Assert.Single(_service.Snapshots).Outcome);
    }

    [Fact]
    public async Task Restore_RebuiltImage_IsHeldOnlyIfItIsTheOriginal()
    {
        var pool = await _engine.RegisterAsync(_layout);
        var sealedImage = await SealedAsync(pool, 10, Bytes(_layout, 1));
        var other = await _engine.RegisterAsync(_layout, rank: 1);
        using (var slot = await other.OpenForRestoreAsync(new Attempt(1), Id(10), Cancel))
        {
            Bytes(_layout, 1).CopyTo(slot.Write(0, 5001));
            using var original = pool.TryLease(Id(10))!;
            using var lease = await slot.CompleteAsync(original.Seal, extra: null, Cancel);
            Assert.Equal(sealedImage.Root, lease.Seal.Image.Root);
        }

        Assert.Equal(Id(10), Assert.Single(other.Holdings).Checkpoint);
        using (var slot = await other.OpenForRestoreAsync(new Attempt(1), Id(10), Cancel))
        {
            Bytes(_layout, 3).CopyTo(slot.Write(0, 5001));
            using var lease = await slot.CompleteAsync(verified: null, extra: null, Cancel);
            Assert.Equal(Bytes(_layout, 3), lease.Read(0, 5001).ToArray());
            await FailsAsync(ErrorCode.SlotBusy, () => BeginAsync(other, 11));
        }

        Assert.Equal(sealedImage.Root, Assert.Single(other.Holdings).Image.Root);
    }

    [Fact]
    public async Task Register_OtherSize_KeepsWhatMustBeKeptAndThenLetsItGo()
    {
        var pool = await _engine.RegisterAsync(_layout);
        await SaveAsync(pool, 10, Bytes(_layout, 1));
        _engine.Arenas.Observe(Progress(attempt: 2, globallySealed: Id(10), resumedFrom: Id(10)));
        var larger = Plain(9000);

        await _engine.RegisterAsync(larger, attempt: 2);

        Assert.Equal(Id(10), Assert.Single(pool.Holdings).Checkpoint);
        Assert.Equal(3, Directory.GetFiles(_folder.File("arena/n1/sft-demo")).Length);
        Write(await BeginAsync(pool, 11, attempt: 2), Bytes(larger, 2));
        Seal(pool, 11, attempt: 2);
        await ReachAsync(pool, 11, SnapshotState.Sealed, attempt: 2);
        _engine.Arenas.Observe(Progress(attempt: 2, globallySealed: Id(11, 2), resumedFrom: Id(10)));
        Assert.Equal(Id(11, 2), Assert.Single(pool.Holdings).Checkpoint);
        Assert.Equal(2, Directory.GetFiles(_folder.File("arena/n1/sft-demo")).Length);
        Assert.Equal([larger.Digest + ".json"], Directory.GetFiles(_folder.File("arena/n1/sft-demo/layouts")).Select(Path.GetFileName));
    }

    [Fact]
    public async Task Drop_Run_FreesEverythingAsReadersEnd()
    {
        var pool = await _engine.RegisterAsync(_layout);
        await SaveAsync(pool, 10, Bytes(_layout, 1));
        var lease = pool.TryLease(Id(10))!;

        _engine.Arenas.Drop(Run);

        Assert.Empty(_engine.Arenas.Holdings);
        Assert.Empty(Directory.GetFiles(_folder.File("arena/n1/sft-demo"), "*", SearchOption.AllDirectories));
        Assert.Equal(Bytes(_layout, 1), lease.Read(0, 5001).ToArray());
        Assert.NotEqual(0, _engine.Budget.UsedBytes);
        lease.Dispose();
        await EventuallyAsync(() => _engine.Budget.UsedBytes == 0, "all memory is given back");
    }

    private static async Task<SlotLocation> EventuallyBeginAsync(SlotPool pool, long step, int attempt = 1)
    {
        await EventuallyAsync(() => pool.Locations.Count == 2, "the missing slot is made anew");
        return await BeginAsync(pool, step, attempt);
    }

    private async Task<SealedImage> SealedAsync(SlotPool pool, long step, byte[] image)
    {
        await SaveAsync(pool, step, image);
        return _service.Snapshots[^1].Image!;
    }

    private static void Fails(ErrorCode code, Action action) =>
        Assert.Equal(code, Assert.Throws<CheckpointerException>(action).Code);

    private static async Task FailsAsync(ErrorCode code, Func<Task> action) =>
        Assert.Equal(code, (await Assert.ThrowsAnyAsync<CheckpointerException>(action)).Code);
}
