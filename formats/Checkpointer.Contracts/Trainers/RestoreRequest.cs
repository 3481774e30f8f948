using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Trainers;

/// <summary>
/// <c>POST /v1/runs/{run}/ranks/{rank}/restore</c>, trainer to agent: rebuild, in a slot, an image of the registered
/// layout <see cref="Layout"/> from the plan of this attempt. Held until done, at most
/// <see cref="WaitMs"/>; call again while <see cref="RestoreResponse.Done"/> is false.
/// </summary>
public sealed record RestoreRequest
{
    /// <summary>The trainer's attempt.</summary>
    public required Attempt Attempt { get; init; }

    /// <summary>The registered layout to fill.</summary>
    public required string Layout { get; init; }

    /// <summary>How long the agent may hold the call, in milliseconds, 0 to 30,000.</summary>
    public int WaitMs { get; init; } = 30_000;
}
