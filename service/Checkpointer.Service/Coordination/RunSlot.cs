using Checkpointer.Service.Runs;
using Checkpointer.Service.Runs.Events;

namespace Checkpointer.Service.Coordination;

/// <summary>One run's state and what its callers wait for. Guarded by the host's lock.</summary>
internal sealed class RunSlot(RunState state)
{
    private string? _incarnation;
    private TaskCompletionSource _barrierMoved = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public RunState State { get; } = state;

    /// <summary>The journal entry that the newest event of this run is in; what is read of the state must wait for it.</summary>
    public long Sequence { get; set; }

    /// <summary>
    /// Completes at the next grant or when another incarnation takes the barrier over: what a held join waits for. Other
    /// ranks' joins do not wake it, or a world of n ranks would decide n² times.
    /// </summary>
    public Task BarrierMoved => _barrierMoved.Task;

    /// <summary>Applies an event and wakes held joins if it concerns them.</summary>
    public void Apply(RunEvent happened)
    {
        State.Apply(happened);
        var moved = happened is AttemptGranted;
        if (happened is RankJoined joined)
        {
            moved = joined.Incarnation != _incarnation;
            _incarnation = joined.Incarnation;
        }

        if (moved)
        {
            _barrierMoved.SetResult();
            _barrierMoved = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }
}
