using Checkpointer.Service.Runs;
using Checkpointer.Service.Runs.Events;

namespace Checkpointer.Service.Coordination;

/// <summary>One run's state and what its callers wait for. Guarded by the host's lock.</summary>
internal sealed class RunSlot(RunState state)
{
    private string? _incarnation;
    private TaskCompletionSource _barrierMoved = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource _restoreMoved = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public RunState State { get; } = state;

    /// <summary>The journal entry that the newest event of this run is in; what is read of the state must wait for it.</summary>
    public long Sequence { get; set; }

    /// <summary>
    /// Completes at the next grant or when another incarnation takes the barrier over: what a held join waits for. Other
    /// ranks' joins do not wake it, or a world of n ranks would decide n² times.
    /// </summary>
    public Task BarrierMoved => _barrierMoved.Task;

    /// <summary>
    /// Completes when all ranks have restored, when the plan is replaced or given up, and when the attempt ends: what a held
    /// restore report waits for. Other ranks' reports do not wake it.
    /// </summary>
    public Task RestoreMoved => _restoreMoved.Task;

    /// <summary>Applies an event and wakes held joins if it concerns them.</summary>
    public void Apply(RunEvent happened)
    {
        var wasRestoring = State.Attempts.Restoring is not null;
        State.Apply(happened);
        if (happened is AttemptGranted or AttemptReplanned or RestoreGivenUp or RolledBack
            || (wasRestoring && State.Attempts.Restoring is null))
        {
            _restoreMoved.SetResult();
            _restoreMoved = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

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
