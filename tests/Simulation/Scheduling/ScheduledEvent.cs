namespace Checkpointer.Simulation.Scheduling;

/// <summary>Something that will happen unless it is cancelled or its owner dies.</summary>
internal sealed class ScheduledEvent(string what, Action action, SimulatedProcess? owner)
{
    public string What => what;

    public bool IsDue => !_cancelled && owner is not { Alive: false };

    private bool _cancelled;

    public void Cancel() => _cancelled = true;

    public void Run() => action();
}
