using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Runs;

/// <summary>One rank's image of the step to resume, and where its bytes are, best source first.</summary>
public sealed record ImageSources
{
    /// <summary>The rank that took the image.</summary>
    public required Rank Rank { get; init; }

    /// <summary>Lower-case hex SHA-256 of its layout.</summary>
    public required string Layout { get; init; }

    /// <summary>Length of the image in bytes.</summary>
    public required long ImageBytes { get; init; }

    /// <summary>Root hash of the image as sealed: 32 lower-case hex digits.</summary>
    public required string Root { get; init; }

    /// <summary>At least one source, best first.</summary>
    public required IReadOnlyList<ImageSource> Sources { get; init; }
}
