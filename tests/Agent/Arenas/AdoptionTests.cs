using Checkpointer.Agent.Arenas;
using Checkpointer.Contracts.Trainers;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;
using Checkpointer.Storage;
using Checkpointer.TestKit;
using static Checkpointer.Agent.Tests.Arenas.Engine;
using static Checkpointer.Agent.Tests.Arenas.TestImage;

namespace Checkpointer.Agent.Tests.Arenas;

/// <summary>What an agent makes of the arena folder that another process left.</summary>
public sealed class AdoptionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new("/dev/shm");
    private readonly Layout _layout = Plain(5001);
    private readonly IObjectStore _store;

    public AdoptionTests() => _store = ObjectStores.Open(_folder.File("store"));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Adopt_SealedSnapshot_IsHeldAgainWithEverything()
    {
        var image = FloatBytes(float.NaN, 1);
        var layout = new LayoutBuilder().Add("näme", DType.F32, [2]).Build();
        string root;
        await using (var first = await StartAsync())
        {
            root = (await SaveAsync(await first.RegisterAsync(layout), 10, image, extra: """{"a":[1]}""")).Root!;
        }

        await using var engine = await StartAsync();

        var holding = Assert.Single(engine.Arenas.Holdings);
        Assert.Equal((root, 1L, 0L), (holding.Image.Root, holding.Image.NanCount, holding.Image.InfCount));
        Assert.Equal(["näme"], holding.Image.NonFiniteTensors);
        using var lease = engine.Arenas.TryLease(Run, new Rank(0), Id(10))!;
        lease.VerifyAll(2, TestContext.Current.CancellationToken);
        Assert.Equal("""{"a":[1]}""", lease.Extra!.Value.GetRawText());
        Assert.Equal(layout.Digest, lease.Layout.Digest);
        Assert.Equal(holding.Image.Root, Assert.Single(engine.Service.Snapshots).Image!.Root);
        Assert.Equal(2 * (ArenaGeometry.UsualDataOffset + ArenaGeometry.PageBytes), engine.Budget.UsedBytes);

        // And the run goes on without another word of the trainer.
        var pool = engine.Arenas.Find(Run, new Rank(0))!;
        await FailsAsync(ErrorCode.StepOutOfOrder, () => BeginAsync(pool, 10));
        await SaveAsync(pool, 20, image);
    }

    [Theory]
    [InlineData(nameof(SlotState.Free))]
    [InlineData(nameof(SlotState.Open))]
    [InlineData(nameof(SlotState.Rebuilding))]
    [InlineData(nameof(SlotState.Captured))]
    [InlineData(nameof(SlotState.Failed))]
    public async Task Adopt_StateOfHeader_DecidesWhatBecomesOfIt(string stateName)
    {
        var state = Enum.Parse<SlotState>(stateName);
        SlotLocation slot;
        await using (var first = await StartAsync())
        {
            var pool = await first.RegisterAsync(_layout);
            slot = await BeginAsync(pool, 10);
            Write(slot, Bytes(_layout, 1));
        }

        Rewrite(slot.Path, header => header with { State = state, Checkpoint = Id(10) });
        await using var engine = await StartAsync();

        var adopted = engine.Arenas.Find(Run, new Rank(0))!;
        if (state == SlotState.Captured)
        {
            await ReachAsync(adopted, 10, SnapshotState.Sealed);
            using var lease = adopted.TryLease(Id(10))!;
            Assert.Equal(Bytes(_layout, 1), lease.Read(0, 5001).ToArray());
            return;
        }

        Assert.Empty(engine.Arenas.Holdings);
        Assert.Empty(engine.Service.Snapshots);
        await EventuallyAsync(() => adopted.Locations.Count == 2, "both slots are there");
        var same = adopted.Locations.Single(location => location.Slot == slot.Slot);
        Assert.Equal(state == SlotState.Free, same.Generation == slot.Generation);
        await SaveAsync(adopted, 10, Bytes(_layout, 2));
    }

    [Fact]
    public async Task Adopt_NewestPageTorn_GoesOnFromTheOneBefore()
    {
        string path;
        await using (var first = await StartAsync())
        {
            var pool = await first.RegisterAsync(_layout);
            await SaveAsync(pool, 10, Bytes(_layout, 1));
            path = pool.Locations[0].Path;
        }

        var newest = ReadHeader(path);
        Assert.Equal(SlotState.Sealed, newest.State);
        Flip(path, ((newest.Sequence % 2) * ArenaGeometry.PageBytes) + 100);

        await using var engine = await StartAsync();
        await ReachAsync(engine.Arenas.Find(Run, new Rank(0))!, 10, SnapshotState.Sealed);
        Assert.Equal(newest.Root.ToString(), Assert.Single(engine.Arenas.Holdings).Image.Root);
    }

    public static TheoryData<string> Damages => new(
        "both pages", "extra", "hashes", "truncated", "grown", "layout", "other run", "link", "not an arena", "empty");

    [Theory]
    [MemberData(nameof(Damages))]
    public async Task Adopt_DamagedFile_IsRemovedAndHarmsNoOther(string damage)
    {
        string path;
        await using (var first = await StartAsync())
        {
            await SaveAsync(await first.RegisterAsync(_layout, rank: 1), 10, Bytes(_layout, 1));
            var pool = await first.RegisterAsync(Plain(5002));
            await SaveAsync(pool, 10, Bytes(pool.Layout!, 2), extra: """{"a":1}""");
            path = pool.Locations[0].Path;
        }

        Damage(path, damage);
        await using var engine = await StartAsync();

        Assert.Equal(new Rank(1), Assert.Single(engine.Arenas.Holdings).Rank);
        Assert.Equal("safe", await File.ReadAllTextAsync(Outside(), TestContext.Current.CancellationToken));
        await EventuallyAsync(
            () => engine.Arenas.Find(Run, new Rank(0)) is not { Layout: not null } pool || pool.Locations.Count == 2, "the rank has its slots");
        Assert.True(!File.Exists(path) || new FileInfo(path).Length > ArenaGeometry.UsualDataOffset, "it was removed, or made anew");
        var again = await engine.RegisterAsync(Plain(5002));
        await SaveAsync(again, 11, Bytes(again.Layout!, 3));
    }

    [Fact]
    public async Task Adopt_WhileAnotherAgentLives_IsRefused()
    {
        await using var first = await StartAsync();

        await FailsAsync(ErrorCode.ConfigurationInvalid, StartAsync);
    }

    [Fact]
    public async Task Adopt_MoreThanTheBudget_IsHeldButNothingNewFits()
    {
        await using (var first = await StartAsync())
        {
            await SaveAsync(await first.RegisterAsync(_layout), 10, Bytes(_layout, 1));
        }

        await using var engine = await Engine.StartAsync(_folder.File("arena"), _store, budgetBytes: 1000);

        Assert.Single(engine.Arenas.Holdings);
        await FailsAsync(ErrorCode.MemoryBudgetExceeded, () => engine.RegisterAsync(_layout, rank: 1));
    }

    private Task<Engine> StartAsync() => Engine.StartAsync(_folder.File("arena"), _store);

    private string Outside() => _folder.File("outside");

    private void Damage(string path, string damage)
    {
        File.WriteAllText(Outside(), "safe");
        switch (damage)
        {
            case "both pages":
                Flip(path, 100);
                Flip(path, ArenaGeometry.PageBytes + 100);
                break;
            case "extra":
                Flip(path, ArenaGeometry.ExtraOffset + 2);
                break;
            case "hashes":
                Flip(path, ArenaGeometry.HashesOffset + 20);
                break;
            case "truncated":
                Resize(path, -1);
                break;
            case "grown":
                Resize(path, 4096);
                break;
            case "layout":
                Flip(_folder.File($"arena/n1/sft-demo/layouts/{Plain(5002).Digest}.json"), 3);
                break;
            case "other run":
                Rewrite(path, header => header with { Run = RunId.Parse("other") });
                break;
            case "link":
                File.Delete(path);
                File.CreateSymbolicLink(path, Outside());
                break;
            case "not an arena":
                File.WriteAllText(path, "hello");
                break;
            case "empty":
                Resize(path, -new FileInfo(path).Length);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(damage));
        }
    }

    private static void Resize(string path, long by)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        file.SetLength(file.Length + by);
    }

    private static void Flip(string path, long at)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        file.Position = at;
        var value = file.ReadByte();
        file.Position = at;
        file.WriteByte((byte)(value ^ 1));
    }

    private static ArenaHeader ReadHeader(string path) => ArenaHeader.Newest(File.ReadAllBytes(path))!;

    private static void Rewrite(string path, Func<ArenaHeader, ArenaHeader> change)
    {
        var bytes = File.ReadAllBytes(path);
        var header = ArenaHeader.Newest(bytes)!;
        (change(header) with { Sequence = header.Sequence + 1 }).WriteTo(bytes);
        File.WriteAllBytes(path, bytes);
    }

    private static byte[] FloatBytes(params float[] values) =>
        [.. values.SelectMany(BitConverter.GetBytes)];

    private static async Task FailsAsync(ErrorCode code, Func<Task> action) =>
        Assert.Equal(code, (await Assert.ThrowsAnyAsync<CheckpointerException>(action)).Code);
}
