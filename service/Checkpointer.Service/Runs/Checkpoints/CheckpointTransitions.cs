using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;

namespace Checkpointer.Service.Runs.Checkpoints;

/// <summary>The life of a checkpoint: saving, then committing, then committed; or abandoned from either of the first two.</summary>
internal static class CheckpointTransitions
{
    /// <summary>
    /// The state after <paramref name="trigger"/>; throws <see cref="InvariantViolationException"/> on what can't be.
    /// </summary>
    public static CheckpointState Next(CheckpointState state, CheckpointTrigger trigger) => (state, trigger) switch
    {
        (CheckpointState.Saving, CheckpointTrigger.AllShardsDurable) => CheckpointState.Committing,
        (CheckpointState.Saving, CheckpointTrigger.CannotComplete) => CheckpointState.Abandoned,
        (CheckpointState.Committing, CheckpointTrigger.ManifestExists) => CheckpointState.Committed,
        (CheckpointState.Committing, CheckpointTrigger.FoundIncoherent) => CheckpointState.Abandoned,
        _ => throw new InvariantViolationException($"A checkpoint that is {state} cannot meet {trigger}."),
    };
}
