namespace Checkpointer.Service.Tests.Runs;

/// <summary>One step of a random history: what to do, and numbers to choose with.</summary>
internal readonly record struct HistoryOp(int Kind, int A, int B, int C);
