using Checkpointer.Contracts.Trainers;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Agent.Arenas;

/// <summary>
/// What became of one snapshot; outlives its slot, so that a trainer can still ask. Not thread-safe: its pool's lock
/// guards it, except <see cref="Changed"/>.
/// </summary>
internal sealed class Snapshot(CheckpointId checkpoint, bool durable)
{
    private TaskCompletionSource _changed = NewSource();

    public CheckpointId Checkpoint { get; } = checkpoint;

    /// <summary>Whether it is to become durable.</summary>
    public bool Durable { get; } = durable;

    public SnapshotState State { get; private set; } = SnapshotState.Open;

    public string? Root { get; private set; }

    public ErrorCode? Error { get; private set; }

    public string? Message { get; private set; }

    /// <summary>Whether it can change no more.</summary>
    public bool IsFinal => State is SnapshotState.Durable or SnapshotState.Failed || (State == SnapshotState.Sealed && !Durable);

    /// <summary>Ends at the next change.</summary>
    public Task Changed => _changed.Task;

    public SnapshotStatus Status => new() { Checkpoint = Checkpoint, State = State, Root = Root, Error = Error, Message = Message };

    /// <summary>Whether <paramref name="until"/> was reached, or nothing more can be.</summary>
    public bool HasReached(SnapshotState until) => IsFinal || State >= until;

    public void Advance(SnapshotState state, string? root = null)
    {
        Invariant.Holds(state > State && State != SnapshotState.Failed);
        State = state;
        Root ??= root;
        Signal();
    }

    /// <summary>Ends it with an error, unless it has ended already.</summary>
    public void Fail(ErrorCode error, string message)
    {
        if (State is SnapshotState.Failed)
        {
            return;
        }

        (State, Error, Message) = (SnapshotState.Failed, error, message);
        Signal();
    }

    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Signal()
    {
        var changed = _changed;
        _changed = NewSource();
        changed.SetResult();
    }
}
