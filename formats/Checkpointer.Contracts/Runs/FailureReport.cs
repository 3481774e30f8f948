using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Runs;

/// <summary>
/// <c>POST /v1/runs/{run}/failures</c>, agent to service: a rank's connection ended without a goodbye. The first of an attempt
/// is an incident; what follows in the same attempt is taken as its consequence. Idempotent.
/// </summary>
public sealed record FailureReport
{
    /// <summary>Longest card, in characters.</summary>
    public const int MaxCardLength = 128;

    /// <summary>Longest evidence, in characters.</summary>
    public const int MaxEvidenceLength = 1024;

    /// <summary>The rank's attempt.</summary>
    public required Attempt Attempt { get; init; }

    /// <summary>The rank.</summary>
    public required Rank Rank { get; init; }

    /// <summary>Its node.</summary>
    public required string Node { get; init; }

    /// <summary>Its accelerator card, as the trainer named it; null if not known.</summary>
    public string? Card { get; init; }

    /// <summary>How it ended.</summary>
    public required FailureKind Kind { get; init; }

    /// <summary>What the agent saw, for people.</summary>
    public required string Evidence { get; init; }

    /// <summary>When, by the agent's clock.</summary>
    public required DateTimeOffset At { get; init; }
}
