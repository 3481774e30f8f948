using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;

namespace Checkpointer.Formats.Resharding;

/// <summary>Finds for one tensor after another the pieces that make it, and collects what cannot be made.</summary>
internal sealed class Planner(Rank targetRank, SliceCatalogue catalogue)
{
    private readonly List<StridedPiece> _pieces = [];
    private readonly List<string> _mismatched = [];
    private readonly List<string> _missing = [];

    public void Plan(TensorEntry wanted)
    {
        var target = new SourceSlice(targetRank, wanted);
        var rest = new List<Box> { target.Box };
        var mismatched = false;
        foreach (var source in catalogue.Of(wanted.Name))
        {
            if (rest.Count == 0)
            {
                break;
            }

            if (!IsSameGlobalTensor(source.Tensor, wanted))
            {
                mismatched = true;
                continue;
            }

            Take(source, target, rest);
        }

        if (rest.Count > 0)
        {
            (mismatched ? _mismatched : _missing).Add(wanted.Name);
        }
    }

    public StridedPiece[] Finish()
    {
        if (_mismatched.Count > 0)
        {
            throw new ReshardingException(ReshardingFault.TensorMismatch, [.. _mismatched, .. _missing]);
        }

        return _missing.Count > 0
            ? throw new ReshardingException(ReshardingFault.SliceMissing, [.. _missing])
            : [.. _pieces.OrderBy(piece => piece.TargetOffset)];
    }

    private void Take(SourceSlice source, SourceSlice target, List<Box> rest)
    {
        for (var i = rest.Count - 1; i >= 0; i--)
        {
            var box = rest[i];
            if (!box.Intersects(source.Box))
            {
                continue;
            }

            var block = box.Intersection(source.Box);
            rest.RemoveAt(i);
            box.Subtract(block, rest);
            _pieces.Add(StridedPiece.Create(
                block, source.Rank, source.Box, source.Tensor.Begin, target.Box, target.Tensor.Begin, target.Tensor.DType.SizeBytes()));
            if (_pieces.Count + rest.Count > ReshardingPlan.MaxPieces)
            {
                throw new ReshardingException(ReshardingFault.TooManyPieces, [target.Tensor.Name]);
            }
        }
    }

    private static bool IsSameGlobalTensor(TensorEntry source, TensorEntry wanted) =>
        source.DType == wanted.DType
        && (source.Placement, wanted.Placement) switch
        {
            (null, null) => source.Shape.SequenceEqual(wanted.Shape),
            ({ } from, { } to) => from.GlobalShape.SequenceEqual(to.GlobalShape),
            _ => false,
        };
}
