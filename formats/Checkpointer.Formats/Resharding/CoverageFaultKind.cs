namespace Checkpointer.Formats.Resharding;

/// <summary>A way in which the ranks' layouts do not make one whole model.</summary>
public enum CoverageFaultKind
{
    /// <summary>Some elements of a global tensor are stored by nobody.</summary>
    Missing,

    /// <summary>Some elements of a global tensor are stored by two ranks.</summary>
    Doubled,

    /// <summary>Ranks hold slices of one tensor with unequal dtypes.</summary>
    DTypeMismatch,

    /// <summary>Ranks hold slices of one tensor with unequal global shapes.</summary>
    GlobalShapeMismatch,

    /// <summary>Some ranks place a tensor in a global one, others hold it as their own.</summary>
    PlacementMismatch,

    /// <summary>A rank that is not among the replicas it names, or a replica that does not hold the very same slice.</summary>
    ReplicaMismatch,
}
