namespace Checkpointer.Contracts.Runs;

/// <summary>
/// <c>POST /v1/runs/{run}/checkpoints/{step.attempt}/verifications</c>: a committed checkpoint was read again, down to every
/// chunk, and this was found. Damage that was not known before is an incident. Of each checkpoint the newest is kept; an
/// incomplete one never replaces one that is not.
/// </summary>
public sealed record VerificationReport
{
    /// <summary>Most findings that are listed.</summary>
    public const int MaxFindings = 32;

    /// <summary>Longest <see cref="Stopped"/>, in characters.</summary>
    public const int MaxStoppedLength = 1024;

    /// <summary>What it came to.</summary>
    public required VerificationOutcome Outcome { get; init; }

    /// <summary>On whose behalf.</summary>
    public required VerifiedBy By { get; init; }

    /// <summary>When it began, by the verifier's clock.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>How long it took, in seconds.</summary>
    public required double Seconds { get; init; }

    /// <summary>Shards that the manifest names; 0 if that could not be read.</summary>
    public required int Shards { get; init; }

    /// <summary>Packs that the indices name.</summary>
    public required int Packs { get; init; }

    /// <summary>Chunks that they have there.</summary>
    public required int Chunks { get; init; }

    /// <summary>Bytes of those chunks.</summary>
    public required long Bytes { get; init; }

    /// <summary>Bytes that were read now: fewer, where the same verification had read chunks for another checkpoint.</summary>
    public required long BytesRead { get; init; }

    /// <summary>Bytes of chunks of which nothing is known.</summary>
    public required long UnreadBytes { get; init; }

    /// <summary>Objects that are bad, missing or unreadable, damage first, then by key: the first 32.</summary>
    public required IReadOnlyList<VerificationFinding> Findings { get; init; }

    /// <summary>How many there are.</summary>
    public required int FindingCount { get; init; }

    /// <summary>Why the rest was left unread; null if it was not.</summary>
    public string? Stopped { get; init; }
}
