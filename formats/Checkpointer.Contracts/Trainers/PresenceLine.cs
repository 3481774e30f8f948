using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Trainers;

/// <summary>
/// <c>POST /v1/runs/{run}/ranks/{rank}/presence</c>, trainer to agent: the request's body is a stream of these, one JSON object
/// a line, the first at once with <see cref="Attempt"/>, then one a second for as long as the trainer lives, the last with
/// <see cref="Goodbye"/>. The answer's headers come with the first line, and its (empty) body ends when the agent does. A
/// connection that ends without a goodbye means that the process died.
/// </summary>
public sealed record PresenceLine
{
    /// <summary>The rank's attempt; in the first line.</summary>
    public Attempt? Attempt { get; init; }

    /// <summary>The accelerator card, up to 128 characters; in the first line, or later once it is known.</summary>
    public string? Card { get; init; }

    /// <summary>The process's id; in the first line.</summary>
    public int? Pid { get; init; }

    /// <summary>The newest step that was reported or saved.</summary>
    public Step? Step { get; init; }

    /// <summary>Whether the session is over; the last line.</summary>
    public bool Goodbye { get; init; }

    /// <summary>With a goodbye: the exception that ends the process, up to 1,024 characters; null if none does.</summary>
    public string? Error { get; init; }
}
