using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;

namespace Checkpointer.Formats.Resharding;

/// <summary>Finds for one tensor after another the pieces that make it, and collects what cannot be made.</summary>
internal sealed class Planner(Rank targetRank, SliceCatalogue catalogue)
{
    private readonly List<StridedPiece> _pieces = [];
    private readonly List<string> _mismatched = [];
    private readonly List<string> _mismatches = [];
    private readonly List<string> _missing = [];

    public void Plan(TensorEntry wanted)
    {
        var target = new SourceSlice(targetRank, wanted);
        var rest = new List<Box> { target.Box };
        TensorEntry? mismatched = null;
        foreach (var source in catalogue.Of(wanted.Name))
        {
            if (rest.Count == 0)
            {
                break;
            }

            if (!IsSameGlobalTensor(source.Tensor, wanted))
            {
                mismatched ??= source.Tensor;
                continue;
            }

            Take(source, target, rest);
        }

        if (rest.Count > 0)
        {
            (mismatched is null ? _missing : _mismatched).Add(wanted.Name);
            if (mismatched is not null)
            {
                _mismatches.Add($"{wanted.Name} (wanted {Describe(wanted)}, saved was {Describe(mismatched)})");
            }
        }
    }

    public StridedPiece[] Finish()
    {
        if (_mismatched.Count > 0)
        {
            throw new ReshardingException(ReshardingFault.TensorMismatch, [.. _mismatched, .. _missing], [.. _mismatches, .. _missing]);
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

    private static string Describe(TensorEntry tensor) => tensor.Placement is { } placement
        ? $"{tensor.DType}[{string.Join(",", placement.GlobalShape)}] sharded"
        : $"{tensor.DType}[{string.Join(",", tensor.Shape)}] of its rank";

    private static bool IsSameGlobalTensor(TensorEntry source, TensorEntry wanted) =>
        source.DType == wanted.DType
        && (source.Placement, wanted.Placement) switch
        {
            (null, null) => source.Shape.SequenceEqual(wanted.Shape),
            ({ } from, { } to) => from.GlobalShape.SequenceEqual(to.GlobalShape),
            _ => false,
        };
}
