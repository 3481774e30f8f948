using System.Text.Json.Serialization;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Runs;

/// <summary>One copy of an image, or a part of one, that could not be used. Read also from a bare text, as older agents and journals have it.</summary>
[JsonConverter(typeof(CopyFaultJsonConverter))]
public sealed record CopyFault
{
    /// <summary>What is wrong with it.</summary>
    public required CopyFaultKind Kind { get; init; }

    /// <summary>The rank whose image it is a copy of; null if none in particular.</summary>
    public Rank? Rank { get; init; }

    /// <summary>Where the copy is; null if nowhere in particular.</summary>
    public Tier? Tier { get; init; }

    /// <summary>Whose memory it is in, for <see cref="Runs.Tier.Memory"/>.</summary>
    public string? Node { get; init; }

    /// <summary>What was met, and where, for people.</summary>
    public required string Message { get; init; }

    /// <summary>The kind that a failure of that code comes to.</summary>
    public static CopyFaultKind KindOf(ErrorCode code) => code switch
    {
        ErrorCode.ChunkCorrupt or ErrorCode.ArenaCorrupt or ErrorCode.PackCorrupt or ErrorCode.IndexCorrupt
            or ErrorCode.ManifestCorrupt or ErrorCode.LayoutInvalid => CopyFaultKind.Corrupt,
        ErrorCode.NotFound => CopyFaultKind.Missing,
        ErrorCode.ServiceUnavailable or ErrorCode.StorageUnavailable or ErrorCode.StorageThrottled or ErrorCode.StorageDenied
            or ErrorCode.StorageFull or ErrorCode.StorageFailed => CopyFaultKind.Unreachable,
        _ => CopyFaultKind.Other,
    };

    /// <inheritdoc/>
    public override string ToString() => Message;
}
