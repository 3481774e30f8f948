using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Runs;

/// <summary>Something that an operator should know of, kept for good.</summary>
public sealed record Incident
{
    /// <summary>Number within the run, from 1.</summary>
    public required long Number { get; init; }

    /// <summary>What kind.</summary>
    public required IncidentKind Kind { get; init; }

    /// <summary>When the service learnt of it.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The attempt that it happened in, if any.</summary>
    public Attempt? Attempt { get; init; }

    /// <summary>The step that it is about, if any.</summary>
    public Step? Step { get; init; }

    /// <summary>The ranks that it is about; empty if none in particular.</summary>
    public required IReadOnlyList<Rank> Ranks { get; init; }

    /// <summary>The node that it is about, if one.</summary>
    public string? Node { get; init; }

    /// <summary>The accelerator card that it is about, as the trainer named it (an index or a uuid), if one.</summary>
    public string? Card { get; init; }

    /// <summary>
    /// Of a <c>rank_died</c>, how: an exception that the rank itself told of is often the consequence of another rank's, agent's
    /// or node's end; null of other kinds.
    /// </summary>
    public FailureKind? Failure { get; init; }

    /// <summary>What it was concluded from, for people; null if the message says it all.</summary>
    public string? Evidence { get; init; }

    /// <summary>What happened, for people.</summary>
    public required string Message { get; init; }
}
