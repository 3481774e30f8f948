using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Runs;

/// <summary>One object of a checkpoint that is bad, missing or could not be read, and whom that hits.</summary>
public sealed record VerificationFinding
{
    /// <summary>Most ranks and most tensors that are named.</summary>
    public const int MaxRanks = 64;

    /// <inheritdoc cref="MaxRanks"/>
    public const int MaxTensors = 8;

    /// <summary>Longest detail, in characters.</summary>
    public const int MaxDetailLength = 1024;

    /// <summary>What is the matter.</summary>
    public required VerificationFindingKind Kind { get; init; }

    /// <summary>The object's key in the store.</summary>
    public required string Key { get; init; }

    /// <summary>What was found, for people; at most 1,024 characters.</summary>
    public required string Detail { get; init; }

    /// <summary>Ranks of the checkpoint that need the object, ascending, the first 64; empty if it concerns all, or that can't be told.</summary>
    public required IReadOnlyList<Rank> Ranks { get; init; }

    /// <summary>How many ranks need it.</summary>
    public required int RankCount { get; init; }

    /// <summary>Tensors with bytes in the bad part, by name, the first 8.</summary>
    public required IReadOnlyList<string> Tensors { get; init; }

    /// <summary>How many tensors have bytes there.</summary>
    public required int TensorCount { get; init; }

    /// <summary>Bytes of images that are lost with it, or were not seen.</summary>
    public required long Bytes { get; init; }
}
