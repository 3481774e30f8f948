namespace Checkpointer.Formats.Layouts;

/// <summary>One tensor of a layout: what it is and which bytes of the image are its own.</summary>
public sealed record TensorEntry
{
    /// <summary>Its name, unique in the layout.</summary>
    public required string Name { get; init; }

    /// <summary>Its element type.</summary>
    public required DType DType { get; init; }

    /// <summary>Its (local) shape in elements; empty for a scalar. Row-major without gaps.</summary>
    public required IReadOnlyList<long> Shape { get; init; }

    /// <summary>Offset of its first byte in the image.</summary>
    public required long Begin { get; init; }

    /// <summary>Offset behind its last byte; equal to <see cref="Begin"/> if the tensor has no elements.</summary>
    public required long End { get; init; }

    /// <summary>Its place in the whole model's tensor; null for a tensor that belongs to its rank alone.</summary>
    public Placement? Placement { get; init; }

    /// <summary>Whether this rank's shard stores it (false: another of its replicas does).</summary>
    public bool Stored { get; init; } = true;

    /// <summary>Length in bytes.</summary>
    public long SizeBytes => End - Begin;
}
