using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;
using Checkpointer.Formats.Resharding;
using Checkpointer.Formats.Tests.Samples;
using CsCheck;

namespace Checkpointer.Formats.Tests.Resharding;

public sealed class CoverageTests
{
    [Fact]
    public void Check_AnyGrid_IsWhole() =>
        World.AnyTwo.Sample(worlds => Coverage.Check(worlds.From.Layouts).Count == 0, iter: 500);

    [Fact]
    public void Check_AnyRankRemoved_IsMissingItsSlice() =>
        Gen.Select(World.AnyTwo, Gen.Int[0, 1000]).Sample((worlds, which) =>
        {
            var layouts = worlds.From.Layouts.ToDictionary();
            var rank = new Rank(which % layouts.Count);
            layouts.Remove(rank, out var removed);
            var faults = Coverage.Check(layouts);
            var empty = removed!.Find("w")!.SizeBytes == 0 || layouts.Count == 0;
            return empty ? faults.Count == 0 : faults is [{ Kind: CoverageFaultKind.Missing, Tensor: "w" }];
        }, iter: 500);

    [Fact]
    public void Check_AnyRankTwice_IsDoubled() =>
        Gen.Select(World.AnyTwo, Gen.Int[0, 1000]).Sample((worlds, which) =>
        {
            var layouts = worlds.From.Layouts.ToDictionary();
            var (rank, again) = (new Rank(which % layouts.Count), new Rank(layouts.Count));
            layouts[again] = layouts[rank];
            var faults = Coverage.Check(layouts);
            return layouts[rank].Find("w")!.SizeBytes == 0
                ? faults.Count == 0
                : faults is [{ Kind: CoverageFaultKind.Doubled }] && faults[0].Ranks.SequenceEqual([rank, again]);
        }, iter: 500);

    [Fact]
    public void Check_OneDoubledOneMissing_FindsBothThoughVolumesAddUp()
    {
        var faults = Coverage.Check(Ranks((0, Slice(0, 2)), (1, Slice(0, 2))));
        Assert.Equal([CoverageFaultKind.Doubled, CoverageFaultKind.Missing], faults.Select(fault => fault.Kind));
    }

    [Fact]
    public void Check_UnequalSlices_NamesTheMismatch()
    {
        Assert.Equal(CoverageFaultKind.DTypeMismatch, Only(Ranks((0, Slice(0, 2)), (1, Slice(2, 2, type: DType.I8)))));
        Assert.Equal(CoverageFaultKind.GlobalShapeMismatch, Only(Ranks((0, Slice(0, 2)), (1, Slice(2, 2, global: 5)))));
        Assert.Equal(
            CoverageFaultKind.PlacementMismatch,
            Only(Ranks((0, Slice(0, 4)), (1, new LayoutBuilder().Add("w", DType.U8, [4]).Build()))));
    }

    [Fact]
    public void Check_Replicas_MustHoldTheSameSlice()
    {
        Assert.Empty(Coverage.Check(Ranks((0, Replica(0, true)), (1, Replica(0, false)))));
        Assert.Equal(CoverageFaultKind.Missing, Only(Ranks((0, Replica(0, false)), (1, Replica(0, false)))));
        Assert.Equal(CoverageFaultKind.Doubled, Only(Ranks((0, Replica(0, true)), (1, Replica(0, true)))));
        Assert.Equal(CoverageFaultKind.ReplicaMismatch, Only(Ranks((0, Replica(0, true)))));
        Assert.Equal(CoverageFaultKind.ReplicaMismatch, Only(Ranks((0, Replica(0, true)), (1, Slice(0, 0)))));
        Assert.Equal(CoverageFaultKind.ReplicaMismatch, Only(Ranks((0, Replica(0, true)), (1, Replica(0, false)), (2, Replica(0, false)))));

        static Layout Replica(long offset, bool stored) => new LayoutBuilder()
            .Add("w", DType.U8, [4], new Placement { GlobalShape = [4], Offsets = [offset], Replicas = Sample.Ranks(0, 1) }, stored)
            .Build();
    }

    [Fact]
    public void Check_TensorOfOneRank_NeedsNoOther() =>
        Assert.Empty(Coverage.Check(Ranks((0, new LayoutBuilder().Add("rng", DType.U8, [4]).Build()), (1, Slice(0, 4)))));

    private static Dictionary<Rank, Layout> Ranks(params (int Rank, Layout Layout)[] ranks) =>
        ranks.ToDictionary(pair => new Rank(pair.Rank), pair => pair.Layout);

    private static CoverageFaultKind Only(Dictionary<Rank, Layout> layouts) => Assert.Single(Coverage.Check(layouts)).Kind;

    private static Layout Slice(long offset, long length, long global = 4, DType type = DType.U8) => new LayoutBuilder()
        .Add("w", type, [length], new Placement { GlobalShape = [global], Offsets = [offset] })
        .Build();
}
