using Checkpointer.Formats.Identity;

namespace Checkpointer.Service.Runs.Events;

/// <summary>A step was reported again by its attempt with other values, which were refused. Recorded once a step.</summary>
internal sealed record StepDisputed : RunEvent
{
    /// <summary>The attempt.</summary>
    public required Attempt Attempt { get; init; }

    /// <summary>The step.</summary>
    public required Step Step { get; init; }
}
