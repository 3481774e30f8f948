using Checkpointer.Agent.Admission;
using Checkpointer.Agent.Arenas;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Layouts;
using Checkpointer.Storage;
using Checkpointer.TestKit;
using Checkpointer.TestKit.Processes;
using Microsoft.Extensions.Time.Testing;
using static Checkpointer.Agent.Tests.Arenas.Engine;
using static Checkpointer.Agent.Tests.Arenas.TestImage;

namespace Checkpointer.Agent.Tests.Arenas;

public sealed class AdmissionTests : IDisposable
{
    private const long SlotBytes = ArenaGeometry.UsualDataOffset + (2 * ArenaGeometry.PageBytes);

    private readonly TemporaryFolder _folder = new("/dev/shm");
    private readonly Layout _layout = Plain(5001);
    private readonly IObjectStore _store;

    public AdmissionTests() => _store = ObjectStores.Open(_folder.File("store"));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void MemoryBudget_AtItsLimit_TakesNoByteMore()
    {
        var budget = new MemoryBudget(100);
        Assert.True(budget.TryTake(60));
        Assert.False(budget.TryTake(41));
        Assert.True(budget.TryTake(40));
        Assert.False(budget.TryTake(1));
        budget.Return(60);
        Assert.Equal(40, budget.UsedBytes);
        Assert.False(budget.TryTake(long.MaxValue));
        Assert.Throws<InvariantViolationException>(() => budget.Return(41));
    }

    [Fact]
    public async Task Register_OneByteOverBudget_AllocatesNothing()
    {
        await using (var tight = await StartAsync((2 * SlotBytes) - 1))
        {
            await FailsAsync(ErrorCode.MemoryBudgetExceeded, () => tight.RegisterAsync(_layout));
            Assert.Equal(0, tight.Budget.UsedBytes);
            Assert.Empty(Directory.GetFiles(_folder.File("arena/n1"), "*.arena", SearchOption.AllDirectories));
        }

        await using var engine = await StartAsync(2 * SlotBytes);
        await SaveAsync(await engine.RegisterAsync(_layout), 10, Bytes(_layout, 1));
        Assert.Equal(2 * SlotBytes, engine.Budget.UsedBytes);
        await FailsAsync(ErrorCode.MemoryBudgetExceeded, () => engine.RegisterAsync(_layout, rank: 1));
    }

    [Fact]
    public async Task Register_OtherRankIsIdleAndItsImagesAreCommitted_TakesItsMemory()
    {
        var time = new FakeTimeProvider();
        await using var engine = await StartAsync(2 * SlotBytes, time);
        var idle = await engine.RegisterAsync(_layout);
        await SaveAsync(idle, 10, Bytes(_layout, 1));
        engine.Arenas.Observe(Progress(globallySealed: Id(10)));
        time.Advance(TimeSpan.FromHours(1));

        // Idle, but nothing else has its image.
        await FailsAsync(ErrorCode.MemoryBudgetExceeded, () => engine.RegisterAsync(_layout, rank: 1));
        engine.Arenas.Observe(Progress(globallySealed: Id(10), committed: Id(10)));
        var lease = idle.TryLease(Id(10))!;
        await FailsAsync(ErrorCode.MemoryBudgetExceeded, () => engine.RegisterAsync(_layout, rank: 1));
        lease.Dispose();

        await engine.RegisterAsync(_layout, rank: 1);
        Assert.Empty(idle.Locations);
        Assert.Empty(engine.Arenas.Holdings);
    }

    [Fact]
    public async Task Register_OtherRankHasMovedAway_TakesItsMemoryAtOnce()
    {
        await using var engine = await StartAsync(2 * SlotBytes);
        await SaveAsync(await engine.RegisterAsync(_layout), 10, Bytes(_layout, 1));
        engine.Arenas.Observe(Progress(globallySealed: Id(10), committed: Id(10)));
        await FailsAsync(ErrorCode.MemoryBudgetExceeded, () => engine.RegisterAsync(_layout, rank: 1));

        engine.Arenas.Observe(Progress(attempt: 2, globallySealed: Id(10), resumedFrom: Id(10), committed: Id(10)));

        await engine.RegisterAsync(_layout, rank: 1, attempt: 2);
    }

    [Theory]
    [InlineData(Draining.EngineChildren.FullMemory)]
    [InlineData(Draining.EngineChildren.FullAtBegin)]
    public async Task SharedMemoryFull_IsRefusedNotKilled(string program)
    {
        // A file system of 3 MiB in a mount namespace of its own: no root needed, nothing left mounted.
        string[] mount = ["unshare", "--map-root-user", "--mount", "sh", "-c"];
        var script = "mount -t tmpfs -o size=3m tmpfs \"$0\" || exit 77; exec \"$@\"";
        var child = ChildProcess.CommandLine(program, [_folder.Path]);
        var result = await ChildProcess.ExecuteAsync(
            [.. mount, script, _folder.Path, .. child], null, TestContext.Current.CancellationToken);
        Assert.SkipWhen(
            result.ExitCode == 77 || result.Error.Contains("unshare", StringComparison.Ordinal),
            $"cannot mount a small tmpfs here: {result.Error}");

        Assert.True(result.ExitCode == 0, result.ToString());
    }

    private Task<Engine> StartAsync(long budgetBytes, TimeProvider? time = null) =>
        Engine.StartAsync(_folder.File("arena"), _store, budgetBytes: budgetBytes, time: time);

    private static async Task FailsAsync(ErrorCode code, Func<Task> action) =>
        Assert.Equal(code, (await Assert.ThrowsAnyAsync<CheckpointerException>(action)).Code);
}
