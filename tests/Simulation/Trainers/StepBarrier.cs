namespace Checkpointer.Simulation.Trainers;

/// <summary>What keeps the ranks of one start in step, as the gradients' all-reduce does: nobody goes on before all have come.</summary>
internal sealed class StepBarrier(int worldSize)
{
    private int _arrived;
    private TaskCompletionSource _all = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends when all ranks have arrived; never if one of them has died.</summary>
    public Task ArriveAsync()
    {
        var all = _all;
        if (++_arrived == worldSize)
        {
            _arrived = 0;
            _all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            all.SetResult();
        }

        return all.Task;
    }
}
