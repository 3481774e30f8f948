using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;

namespace Checkpointer.Formats.Resharding;

/// <summary>A slice of a tensor that a rank's image holds.</summary>
internal sealed record SourceSlice(Rank Rank, TensorEntry Tensor)
{
    /// <summary>The slice in global coordinates; a tensor without placement is its own global tensor.</summary>
    public Box Box { get; } = Tensor.Placement is { } placement
        ? Box.Of(placement.Offsets, Tensor.Shape)
        : Box.Of(new long[Tensor.Shape.Count], Tensor.Shape);
}
