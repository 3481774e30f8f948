using Checkpointer.Formats.Identity;

namespace Checkpointer.Storage.Verification;

/// <summary>What reading a whole checkpoint again came to.</summary>
public sealed record CheckpointVerification
{
    /// <summary>Which.</summary>
    public required CheckpointId Checkpoint { get; init; }

    /// <summary>When it began, UTC.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>How long it took.</summary>
    public required TimeSpan Elapsed { get; init; }

    /// <summary>Shards that its manifest names; 0 if that could not be read.</summary>
    public required int Shards { get; init; }

    /// <summary>Packs that its indices name.</summary>
    public required int Packs { get; init; }

    /// <summary>Chunks that its indices place in packs.</summary>
    public required int Chunks { get; init; }

    /// <summary>Bytes of those chunks.</summary>
    public required long Bytes { get; init; }

    /// <summary>Bytes that were read for it now; chunks that the same verification had read for another are not read again.</summary>
    public required long BytesRead { get; init; }

    /// <summary>Bytes of chunks that nothing is known of: unreadable, or left unread in an outage.</summary>
    public required long UnreadBytes { get; init; }

    /// <summary>Every object that is bad, missing or unreadable, by key.</summary>
    public required IReadOnlyList<ObjectFinding> Findings { get; init; }

    /// <summary>Why the rest was left unread; null if it was not.</summary>
    public string? Stopped { get; init; }

    /// <summary>Whether anything is bad or missing.</summary>
    public bool IsDamaged => Findings.Any(finding => finding.Kind != FindingKind.Unreadable);

    /// <summary>Whether every byte was seen. A checkpoint that isn't damaged is good only then.</summary>
    public bool IsComplete =>
        Stopped is null && UnreadBytes == 0 && Findings.All(finding => finding.Kind != FindingKind.Unreadable);
}
