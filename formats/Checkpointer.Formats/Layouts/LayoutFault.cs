namespace Checkpointer.Formats.Layouts;

/// <summary>Every way in which bytes can fail to be a layout; a parse stops at the first it meets.</summary>
public enum LayoutFault
{
    /// <summary>More than <see cref="Layout.MaxBytes"/> bytes.</summary>
    TooLarge,

    /// <summary>Not UTF-8, or an escape that is no Unicode text.</summary>
    NotUtf8,

    /// <summary>Not one JSON object (or one nested too deeply), starting at the first byte.</summary>
    NotJson,

    /// <summary>A key that occurs twice in one object.</summary>
    DuplicateKey,

    /// <summary>More than <see cref="Layout.MaxTensors"/> tensors.</summary>
    TooManyTensors,

    /// <summary>A tensor name that is empty, too long or holds a control character.</summary>
    NameInvalid,

    /// <summary>A tensor that is not exactly dtype, shape and data_offsets.</summary>
    TensorMalformed,

    /// <summary>A dtype that this version does not know.</summary>
    DTypeUnknown,

    /// <summary>A shape of too many dimensions, or one that is no whole number from 0.</summary>
    ShapeInvalid,

    /// <summary>A shape whose size in bytes is beyond <see cref="Layout.MaxTensorBytes"/>.</summary>
    ShapeOverflow,

    /// <summary>Offsets that are no pair of whole numbers with begin ≤ end.</summary>
    OffsetsInvalid,

    /// <summary>A byte range whose length is not that of dtype and shape.</summary>
    SizeMismatch,

    /// <summary>Bytes that no tensor covers.</summary>
    Hole,

    /// <summary>Bytes that two tensors cover.</summary>
    Overlap,

    /// <summary>An image of more than <see cref="Layout.MaxImageBytes"/> bytes.</summary>
    ImageTooLarge,

    /// <summary>A <c>__metadata__</c> that is no object of strings.</summary>
    MetadataMalformed,

    /// <summary>Placements that are no JSON of the expected form.</summary>
    PlacementMalformed,

    /// <summary>Placements of a version that this program does not know.</summary>
    PlacementVersionUnknown,

    /// <summary>A placement of a tensor that the layout does not have.</summary>
    PlacementOfUnknownTensor,

    /// <summary>A placement with another number of dimensions than its tensor.</summary>
    PlacementDimensionsMismatch,

    /// <summary>A slice that reaches beyond its global tensor.</summary>
    PlacementOutOfBounds,

    /// <summary>A global tensor whose size in bytes is beyond <see cref="Layout.MaxTensorBytes"/>.</summary>
    PlacementOverflow,

    /// <summary>Replicas that are no ascending, non-empty list of distinct ranks.</summary>
    ReplicasInvalid,

    /// <summary>A tensor that is not stored, yet has no second rank to store it.</summary>
    NotStoredWithoutReplica,

    /// <summary>A stored tensor behind one that is not stored.</summary>
    StoredAfterNotStored,
}
