namespace Checkpointer.Simulation.Scheduling;

/// <summary>
/// One process: its clock, its randomness, and whether it lives. All that happens to it are events of its own; once it is dead
/// none of them comes any more, so that its code never runs again.
/// </summary>
internal sealed class SimulatedProcess
{
    public SimulatedProcess(Scheduler scheduler, string name, string node, int seed)
    {
        (Scheduler, Name, Node) = (scheduler, name, node);
        Random = new Random(seed);
        Time = new SimulatedTime(this);
    }

    public Scheduler Scheduler { get; }

    public string Name { get; }

    public string Node { get; }

    public bool Alive { get; private set; } = true;

    /// <summary>Whether it died with its node, so that nobody is told of it.</summary>
    public bool Silent { get; private set; }

    public Random Random { get; }

    public SimulatedTime Time { get; }

    /// <summary>What the kernel does when the process has died, such as closing its connections.</summary>
    public event Action? Died;

    /// <summary>Ends it at once, as <c>kill -9</c> does, or <paramref name="silently"/>, as a loss of power does.</summary>
    public void Kill(bool silently = false)
    {
        if (Alive)
        {
            (Alive, Silent) = (false, silently);
            Died?.Invoke();
        }
    }

    public override string ToString() => Name;
}
