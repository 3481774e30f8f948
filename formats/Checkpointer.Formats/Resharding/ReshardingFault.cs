namespace Checkpointer.Formats.Resharding;

/// <summary>Why layouts do not give the tensors that a target wants.</summary>
public enum ReshardingFault
{
    /// <summary>No source has some elements of a tensor.</summary>
    SliceMissing,

    /// <summary>The sources hold the tensor with another dtype, (global) shape, or kind of placement.</summary>
    TensorMismatch,

    /// <summary>A tensor is cut so finely that its plan would pass <see cref="ReshardingPlan.MaxPieces"/>.</summary>
    TooManyPieces,
}
