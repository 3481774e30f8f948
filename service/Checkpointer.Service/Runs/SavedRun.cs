using Checkpointer.Formats.Identity;

namespace Checkpointer.Service.Runs;

/// <summary>A run's state as data: one element of a journal snapshot.</summary>
internal sealed record SavedRun
{
    /// <summary>The run.</summary>
    public required RunId Run { get; init; }
}
