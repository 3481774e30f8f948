using Checkpointer.Formats.Identity;

namespace Checkpointer.Service.Runs.Checkpoints;

/// <summary>
/// What a run will never save any more, although it knows nothing of it: everything of the attempts up to
/// <see cref="Through"/> but <see cref="Except"/>, which the attempt after them resumed from and goes on saving. Never takes
/// back what an earlier one covered.
/// </summary>
/// <param name="Through">The newest attempt that is condemned.</param>
/// <param name="Except">What the attempt after it resumed from; null if it started from scratch, or from what was condemned before.</param>
internal sealed record Condemnation(Attempt Through, CheckpointId? Except)
{
    /// <summary>Whether <paramref name="checkpoint"/> is condemned.</summary>
    public bool Covers(CheckpointId checkpoint) => checkpoint.Attempt <= Through && checkpoint != Except;
}
