namespace Checkpointer.Simulation.Trainers;

/// <summary>One start of the world by the launcher.</summary>
internal sealed record Incarnation(string Name, int WorldSize, StepBarrier Barrier);
