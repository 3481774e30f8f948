using System.Runtime.InteropServices;
using Checkpointer.Agent.Arenas;
using Checkpointer.Agent.Sealing;
using Checkpointer.Contracts.Runs;
using Checkpointer.Contracts.Trainers;
using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Layouts;
using Checkpointer.Storage;
using Checkpointer.TestKit;
using static Checkpointer.Agent.Tests.Arenas.Engine;
using static Checkpointer.Agent.Tests.Arenas.TestImage;

namespace Checkpointer.Agent.Tests.Sealing;

public sealed class SealingTests : IDisposable
{
    private readonly TemporaryFolder _folder = new("/dev/shm");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(ChunkBytes)]
    [InlineData(ChunkBytes + 1)]
    [InlineData(7 * ChunkBytes)]
    public async Task Seal_AnyLength_HasTheHashesOfItsChunks(int length)
    {
        await using var engine = await StartAsync();
        var layout = Plain(length);
        var image = Bytes(layout, length);

        var status = await SaveAsync(await engine.RegisterAsync(layout), 10, image);

        var expected = image.Chunk(ChunkBytes).Select(chunk => ChunkHash.Compute(chunk)).ToArray();
        Assert.Equal(RootHash.Compute(length, ChunkBytes, expected).ToString(), status.Root);
        using var lease = engine.Arenas.TryLease(Run, default, Id(10))!;
        Assert.Equal(expected, lease.Seal.Hashes);
        lease.VerifyAll(2, TestContext.Current.CancellationToken);
    }

    /// <summary>
    /// Tensors of all widths whose elements straddle chunks, also those behind a stored prefix of odd length. A chunk has
    /// 1,000 bytes, so an f64 at offset 4 straddles each boundary.
    /// </summary>
    [Fact]
    public async Task Seal_ValuesThatAreNotFinite_AreCountedOnceWhereverTheyLie()
    {
        await using var engine = await StartAsync();
        var layout = new LayoutBuilder()
            .Add("f64", DType.F64, [300])
            .Add("f32", DType.F32, [301])
            .Add("bf16", DType.BF16, [777])
            .Add("ints", DType.I32, [50])
            .Add("f8", DType.F8E5M2, [3])
            .Add("odd", DType.F64, [400], new Placement { GlobalShape = [400], Offsets = [0], Replicas = [new(0), new(1)] }, stored: false)
            .Build();
        var image = new byte[layout.ImageBytes];
        var odd = layout.Find("odd")!;
        Assert.NotEqual(0, odd.Begin % sizeof(double));
        for (var i = 0; i < 400; i++)
        {
            MemoryMarshal.Write(image.AsSpan((int)odd.Begin + (8 * i)), i % 2 == 0 ? double.NaN : double.NegativeInfinity);
        }

        Set("f64", 0, double.NaN);
        Set("f64", 299, double.PositiveInfinity);
        Set("f32", 150, float.NaN);
        Set("bf16", 776, (ushort)0x7f80);
        Set("ints", 3, float.NaN);
        image[(int)layout.Find("f8")!.Begin] = 0x7f;

        await SaveAsync(await engine.RegisterAsync(layout), 10, image);

        var sealedImage = Assert.Single(engine.Arenas.Holdings).Image;
        Assert.Equal((203L, 202L), (sealedImage.NanCount, sealedImage.InfCount));
        Assert.Equal(["bf16", "f32", "f64", "f8", "odd"], sealedImage.NonFiniteTensors.Order(StringComparer.Ordinal));

        void Set<T>(string tensor, int index, T value)
            where T : unmanaged =>
            MemoryMarshal.Write(image.AsSpan((int)layout.Find(tensor)!.Begin + (index * Marshal.SizeOf<T>())), value);
    }

    [Fact]
    public async Task Seal_ManyNonFiniteTensors_NamesSixteen()
    {
        await using var engine = await StartAsync();
        var builder = new LayoutBuilder();
        for (var i = 0; i < 20; i++)
        {
            builder.Add($"t{i:D2}" + new string('é', 500), DType.F32, [1]);
        }

        var layout = builder.Build();
        var image = new byte[layout.ImageBytes];
        image.AsSpan().Fill(0xff);

        await SaveAsync(await engine.RegisterAsync(layout), 10, image);

        var sealedImage = Assert.Single(engine.Arenas.Holdings).Image;
        Assert.Equal(20, sealedImage.NanCount);
        Assert.Equal(ImageHasher.MaxNames, sealedImage.NonFiniteTensors.Count);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(ArenaGeometry.UsualDataOffset + 100)]
    public async Task Seal_FileWasShortened_FailsInsteadOfDying(long length)
    {
        await using var engine = await StartAsync();
        var layout = Plain(50_000);
        var pool = await engine.RegisterAsync(layout);
        var slot = await BeginAsync(pool, 10);
        Truncate(slot, length);

        var status = Seal(pool, 10);

        Assert.Equal((SnapshotState.Failed, ErrorCode.ArenaCorrupt), (status.State, status.Error));
        Assert.Equal(SnapshotOutcome.Discarded, Assert.Single(engine.Service.Snapshots).Outcome);
        await EventuallyAsync(() => pool.Locations.Count == 2, "the slot is made anew");
        await SaveAsync(pool, 20, Bytes(layout, 2));
    }

    [Fact]
    public async Task Begin_FreeSlotWasShortened_GivesAnotherOne()
    {
        await using var engine = await StartAsync();
        var layout = Plain(50_000);
        var pool = await engine.RegisterAsync(layout);
        Truncate(pool.Locations[0], 4096);

        Assert.Equal(1, (await BeginAsync(pool, 10)).Slot);

        await EventuallyAsync(() => pool.Locations.Count == 2, "the slot is made anew");
        Assert.Equal(ArenaGeometry.UsualDataOffset + 53_248, new FileInfo(pool.Locations[0].Path).Length);
    }

    [Fact]
    public void Hash_FileIsShortenedMeanwhile_FailsInsteadOfDying()
    {
        var layout = Plain(50_000);
        var geometry = new ChunkGeometry(50_000, ChunkBytes);
        var file = ArenaFile.Create(
            _folder.File("0-0.arena"), ArenaGeometry.UsualDataOffset + 53_248, ArenaGeometry.UsualDataOffset, _ => { });
        Assert.Equal(50, ImageHasher.Hash(file, ArenaGeometry.UsualDataOffset, layout, geometry, 2, TestContext.Current.CancellationToken).Hashes.Count);
        using (var handle = File.OpenWrite(file.Path))
        {
            handle.SetLength(ArenaGeometry.UsualDataOffset + 20_000);
        }

        var failure = Assert.Throws<AggregateException>(
            () => ImageHasher.Hash(file, ArenaGeometry.UsualDataOffset, layout, geometry, 2, TestContext.Current.CancellationToken));

        Assert.Equal(ErrorCode.ArenaCorrupt, Assert.IsType<CheckpointerException>(failure.InnerException).Code);
        file.Release();
    }

    [Fact]
    public async Task Read_FileWasShortenedAfterSeal_FailsInsteadOfDying()
    {
        await using var engine = await StartAsync();
        var layout = Plain(50_000);
        var pool = await engine.RegisterAsync(layout);
        await SaveAsync(pool, 10, Bytes(layout, 1));
        using var lease = pool.TryLease(Id(10))!;
        Truncate(lease.Location, 4096);

        Assert.Equal(ErrorCode.ArenaCorrupt, Assert.Throws<CheckpointerException>(() => lease.Read(49_000, 10)).Code);

        Assert.Null(pool.TryLease(Id(10)));
        Assert.Empty(pool.Holdings);
    }

    [Fact]
    public async Task ReadVerified_FlippedBit_IsCaughtAndNobodyGetsTheImageAnyMore()
    {
        await using var engine = await StartAsync();
        var layout = Plain(5001);
        var pool = await engine.RegisterAsync(layout);
        await SaveAsync(pool, 10, Bytes(layout, 1));
        using var lease = pool.TryLease(Id(10))!;
        lease.VerifyAll(2, TestContext.Current.CancellationToken);
        var wrong = Bytes(layout, 1);
        wrong[3456] ^= 1;
        Write(lease.Location, wrong);

        Assert.Equal(ErrorCode.ChunkCorrupt, Assert.Throws<CheckpointerException>(() => lease.ReadVerified(3)).Code);

        Assert.Null(pool.TryLease(Id(10)));
        Assert.Equal(ErrorCode.ChunkCorrupt, (await ReachFailedAsync(pool)).Error);
        Assert.Equal(SnapshotOutcome.Discarded, engine.Service.Snapshots[^1].Outcome);
    }

    private static Task<SnapshotStatus> ReachFailedAsync(SlotPool pool) => ReachAsync(pool, 10, SnapshotState.Failed);

    private static void Truncate(SlotLocation slot, long length)
    {
        using var file = new FileStream(slot.Path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        file.SetLength(length);
    }

    private Task<Arenas.Engine> StartAsync() =>
        Arenas.Engine.StartAsync(_folder.File("arena"), ObjectStores.Open(_folder.File("store")));
}
