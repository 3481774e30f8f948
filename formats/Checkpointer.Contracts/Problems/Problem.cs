namespace Checkpointer.Contracts.Problems;

/// <summary>The body of every error answer (RFC 9457, <c>application/problem+json</c>).</summary>
public sealed record Problem
{
    /// <summary>Its media type.</summary>
    public const string MediaType = "application/problem+json";

    /// <summary>A stable URI of the kind of problem; not meant to be fetched.</summary>
    public required string Type { get; init; }

    /// <summary>The kind of problem in a few words, always the same for one code.</summary>
    public required string Title { get; init; }

    /// <summary>The HTTP status.</summary>
    public required int Status { get; init; }

    /// <summary>What happened this time, and what to do.</summary>
    public string? Detail { get; init; }

    /// <summary>The error code in snake_case.</summary>
    public required string Code { get; init; }

    /// <summary>Whether the same call may succeed later without anyone mending anything.</summary>
    public required bool Transient { get; init; }
}
