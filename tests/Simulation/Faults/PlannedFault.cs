namespace Checkpointer.Simulation.Faults;

/// <summary>A fault that is to happen once so many events have.</summary>
/// <param name="AtEvent">When.</param>
/// <param name="Kind">Which.</param>
/// <param name="Seed">What it draws from: leaving another out changes nothing of it.</param>
internal sealed record PlannedFault(int AtEvent, string Kind, int Seed);
