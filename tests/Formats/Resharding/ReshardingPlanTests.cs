using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;
using Checkpointer.Formats.Resharding;
using Checkpointer.Formats.Tests.Samples;
using CsCheck;

namespace Checkpointer.Formats.Tests.Resharding;

public sealed class ReshardingPlanTests
{
    [Fact]
    public void Create_AnyTwoGrids_RebuildsEveryByteOnce() => World.AnyTwo.Sample(worlds =>
    {
        var sources = worlds.From.Layouts.ToDictionary(pair => pair.Key, pair => World.ImageOf(pair.Value));
        foreach (var (rank, whole) in worlds.To.Layouts)
        {
            var target = new LayoutBuilder().Add("w", whole.Find("w")!.DType, whole.Find("w")!.Shape, whole.Find("w")!.Placement).Build();
            var plan = ReshardingPlan.Create(target, rank, worlds.From.Layouts);
            var image = new byte[target.ImageBytes];
            long end = 0;
            long count = 0;
            foreach (var copy in plan.Copies)
            {
                Assert.Equal(end, copy.TargetOffset);
                sources[copy.Source].AsSpan((int)copy.SourceOffset, (int)copy.Length).CopyTo(image.AsSpan((int)copy.TargetOffset));
                end += copy.Length;
                count++;
            }

            Assert.Equal(target.ImageBytes, end);
            Assert.InRange(count, 0, plan.MaxCopies);
            Assert.Equal(World.ImageOf(target), image);
        }
    }, iter: 400);

    [Fact]
    public void Create_SameTopology_IsOneCopy()
    {
        var sources = new Dictionary<Rank, Layout> { [new Rank(1)] = Sample.Layout, [new Rank(0)] = Sample.Layout };
        var copies = ReshardingPlan.Create(Sample.Layout, new Rank(1), sources).Copies;
        Assert.Equal([new ByteCopy(new Rank(1), 0, 0, Sample.Layout.ImageBytes)], copies);
    }

    [Fact]
    public void Create_StoredOnly_TakesReplicatedTensorsFromTheirOwner()
    {
        var placement = new Placement { GlobalShape = [8], Offsets = [0], Replicas = Sample.Ranks(0, 1) };
        var owner = new LayoutBuilder().Add("r", DType.F32, [8], placement).Build();
        var other = new LayoutBuilder().Add("x", DType.U8, [3]).Add("r", DType.F32, [8], placement, stored: false).Build();
        var sources = new Dictionary<Rank, Layout> { [new Rank(0)] = owner, [new Rank(1)] = other };

        Assert.Equal([new ByteCopy(new Rank(1), 0, 0, 35)], ReshardingPlan.Create(other, new Rank(1), sources).Copies);
        Assert.Equal(
            [new ByteCopy(new Rank(1), 0, 0, 3), new ByteCopy(new Rank(0), 0, 3, 32)],
            ReshardingPlan.Create(other, new Rank(1), sources, storedOnly: true).Copies);
    }

    [Fact]
    public void Create_ColumnsOfALargeTensor_StaysSmallUntilEnumerated()
    {
        const long Rows = 1L << 20;
        var sources = new Dictionary<Rank, Layout>
        {
            [new Rank(0)] = Slice(Rows, 1024, 0),
            [new Rank(1)] = Slice(Rows, 1024, 1024),
        };
        var before = GC.GetAllocatedBytesForCurrentThread();
        var plan = ReshardingPlan.Create(Slice(Rows, 1536, 256), new Rank(0), sources);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 100_000);
        Assert.Equal(2 * Rows, plan.MaxCopies);
        Assert.Equal(
            [
                new ByteCopy(new Rank(0), 256, 0, 768), new ByteCopy(new Rank(1), 0, 768, 768),
                new ByteCopy(new Rank(0), 1024 + 256, 1536, 768), new ByteCopy(new Rank(1), 1024, 2304, 768),
            ],
            plan.Copies.Take(4));
        Assert.Equal(2 * Rows, plan.Copies.LongCount());

        static Layout Slice(long rows, long columns, long offset) => new LayoutBuilder()
            .Add("w", DType.U8, [rows, columns], new Placement { GlobalShape = [rows, 2048], Offsets = [0, offset] })
            .Build();
    }

    [Fact]
    public void Create_MissingSlices_NamesEveryTensor()
    {
        var target = new LayoutBuilder()
            .Add("have", DType.U8, [4], new Placement { GlobalShape = [4], Offsets = [0] })
            .Add("half", DType.U8, [4], new Placement { GlobalShape = [4], Offsets = [0] })
            .Add("mine", DType.U8, [4])
            .Add("none", DType.U8, [0])
            .Build();
        var source = new LayoutBuilder()
            .Add("have", DType.U8, [4], new Placement { GlobalShape = [4], Offsets = [0] })
            .Add("half", DType.U8, [2], new Placement { GlobalShape = [4], Offsets = [2] })
            .Add("mine", DType.U8, [4])
            .Build();
        var sources = new Dictionary<Rank, Layout> { [new Rank(0)] = source };
        var thrown = Assert.Throws<ReshardingException>(() => ReshardingPlan.Create(target, new Rank(1), sources));
        Assert.Equal(ReshardingFault.SliceMissing, thrown.Fault);
        Assert.Equal(["half", "mine"], thrown.Tensors);
    }

    [Theory]
    [InlineData(DType.I8, 4, true)]
    [InlineData(DType.U8, 5, true)]
    [InlineData(DType.U8, 4, false)]
    public void Create_AnotherTensorOfThatName_NamesTheMismatch(DType type, long globalShape, bool placed)
    {
        var target = new LayoutBuilder().Add("w", DType.U8, [4], new Placement { GlobalShape = [4], Offsets = [0] }).Build();
        var source = new LayoutBuilder()
            .Add("w", type, [4], placed ? new Placement { GlobalShape = [globalShape], Offsets = [0] } : null)
            .Build();
        var thrown = Assert.Throws<ReshardingException>(() => ReshardingPlan.Create(
            target, new Rank(0), new Dictionary<Rank, Layout> { [new Rank(0)] = source }));
        Assert.Equal(ReshardingFault.TensorMismatch, thrown.Fault);
        Assert.Equal(["w"], thrown.Tensors);
        Assert.Contains(
            $"w (wanted U8[4] sharded, saved was {type}[{(placed ? globalShape : 4)}] {(placed ? "sharded" : "of its rank")})",
            thrown.Message,
            StringComparison.Ordinal);
    }
}
