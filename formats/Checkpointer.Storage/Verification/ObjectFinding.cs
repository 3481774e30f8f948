using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Storage.Repository;

namespace Checkpointer.Storage.Verification;

/// <summary>One object of a checkpoint that is bad, missing or could not be read, and whom that hits.</summary>
public sealed record ObjectFinding
{
    /// <summary>Most tensors that are named: all of a large model, and yet a bound on what a hostile layout can fill.</summary>
    public const int MaxNamedTensors = 65_536;

    /// <summary>What is the matter.</summary>
    public required FindingKind Kind { get; init; }

    /// <summary>The object.</summary>
    public required ObjectKey Key { get; init; }

    /// <summary>What was found, for people; without the key.</summary>
    public required string Detail { get; init; }

    /// <summary>Ranks of the checkpoint that need it, ascending; empty if that can't be told, or it concerns all.</summary>
    public IReadOnlyList<Rank> Ranks { get; init; } = [];

    /// <summary>Tensors that have bytes in it, by name: the first <see cref="MaxNamedTensors"/>.</summary>
    public IReadOnlyList<string> Tensors { get; init; } = [];

    /// <summary>How many tensors have bytes in it.</summary>
    public int TensorCount { get; init; }

    /// <summary>Bytes of images that are lost with it, or were not seen.</summary>
    public long Bytes { get; init; }

    /// <summary>The finding that a failed read is: damage only if the store answered.</summary>
    internal static ObjectFinding Of(ObjectKey key, CheckpointerException e) => e switch
    {
        DamagedObjectException damaged => new ObjectFinding
        {
            Kind = damaged.Damage == ObjectDamage.Missing ? FindingKind.Missing : FindingKind.Corrupt,
            Key = key,
            Detail = damaged.Why,
        },
        { Code: ErrorCode.NotFound } => new ObjectFinding { Kind = FindingKind.Missing, Key = key, Detail = "is missing" },
        _ => new ObjectFinding { Kind = FindingKind.Unreadable, Key = key, Detail = $"could not be read: {e.Message.TrimEnd('.')}" },
    };
}
