namespace Checkpointer.Simulation.Scheduling;

/// <summary>A seed has failed.</summary>
/// <param name="rule">Which invariant is broken, as one word.</param>
/// <param name="message">What was found.</param>
internal sealed class SimulationException(string rule, string message) : Exception(message)
{
    public string Rule => rule;
}
