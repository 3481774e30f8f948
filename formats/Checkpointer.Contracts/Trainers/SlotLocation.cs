namespace Checkpointer.Contracts.Trainers;

/// <summary>Where a slot's bytes are, for a process on the same node.</summary>
public sealed record SlotLocation
{
    /// <summary>Slot number, from 0.</summary>
    public required int Slot { get; init; }

    /// <summary>The file to map, under the agent's arena folder.</summary>
    public required string Path { get; init; }

    /// <summary>Identifies the file's incarnation, 16 hex digits: a mapping made for another generation must be made anew.</summary>
    public required string Generation { get; init; }

    /// <summary>Where the image begins in the file, in bytes: a multiple of 4,096.</summary>
    public required long DataOffset { get; init; }

    /// <summary>Room for the image in bytes.</summary>
    public required long DataBytes { get; init; }
}
