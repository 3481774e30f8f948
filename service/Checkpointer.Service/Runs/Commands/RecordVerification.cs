using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs.Verifications;

namespace Checkpointer.Service.Runs.Commands;

/// <summary>A committed checkpoint was verified (<c>POST …/checkpoints/{step.attempt}/verifications</c>).</summary>
internal sealed record RecordVerification(CheckpointId Checkpoint, VerificationReport Body) : RunCommand<Acknowledged>
{
    internal override Decision<Acknowledged> Decide(RunState state, DateTimeOffset now) =>
        VerificationDecisions.Decide(state, Checkpoint, Body, now);
}
