namespace Checkpointer.Contracts.Runs;

/// <summary>Facts of a sealed image.</summary>
public sealed record SealedImage
{
    /// <summary>Lower-case hex SHA-256 of its layout.</summary>
    public required string Layout { get; init; }

    /// <summary>Length in bytes.</summary>
    public required long ImageBytes { get; init; }

    /// <summary>Root hash: 32 lower-case hex digits.</summary>
    public required string Root { get; init; }

    /// <summary>Number of NaN values in all floating point tensors.</summary>
    public required long NanCount { get; init; }

    /// <summary>Number of infinite values in all floating point tensors.</summary>
    public required long InfCount { get; init; }

    /// <summary>Names of up to 16 tensors with NaN or infinite values.</summary>
    public required IReadOnlyList<string> NonFiniteTensors { get; init; }
}
