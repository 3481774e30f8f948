using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Service.Runs.Events;

/// <summary>A step is in the ledger.</summary>
internal sealed record StepRecorded : RunEvent
{
    /// <summary>The attempt that ran it.</summary>
    public required Attempt Attempt { get; init; }

    /// <summary>What the trainer said of it; the data cursor without insignificant white space.</summary>
    public required StepReport Report { get; init; }

    /// <summary>Whether an earlier attempt had run it on the way that this lineage continues.</summary>
    public required bool Replayed { get; init; }

    /// <summary>Whether it then had other values.</summary>
    public required bool Diverged { get; init; }
}
