using Checkpointer.Formats.Identity;

namespace Checkpointer.Service.Runs.Events;

/// <summary>One sealed image of the run in an agent's memory, as a join told it.</summary>
internal sealed record HeldImage
{
    /// <summary>The rank whose image it is.</summary>
    public required Rank Rank { get; init; }

    /// <summary>The step and attempt that captured it.</summary>
    public required CheckpointId Checkpoint { get; init; }

    /// <summary>Lower-case hex SHA-256 of its layout.</summary>
    public required string Layout { get; init; }

    /// <summary>Length in bytes.</summary>
    public required long ImageBytes { get; init; }

    /// <summary>Root hash: 32 lower-case hex digits.</summary>
    public required string Root { get; init; }
}
