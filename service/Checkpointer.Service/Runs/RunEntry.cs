using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs.Events;

namespace Checkpointer.Service.Runs;

/// <summary>One entry of the journal: what happened to one run.</summary>
internal sealed record RunEntry
{
    /// <summary>The run.</summary>
    public required RunId Run { get; init; }

    /// <summary>What happened, in order; at least one.</summary>
    public required IReadOnlyList<RunEvent> Events { get; init; }
}
