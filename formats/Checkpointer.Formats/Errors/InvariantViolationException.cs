namespace Checkpointer.Formats.Errors;

/// <summary>An invariant of this program does not hold: a bug. Nothing catches it but the process's edge.</summary>
public sealed class InvariantViolationException(string message) : Exception(message);
