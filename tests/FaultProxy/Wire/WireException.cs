namespace Checkpointer.FaultProxy.Wire;

/// <summary>A peer that does not speak HTTP/1.1, or that went away in the middle of a message.</summary>
internal sealed class WireException(string message) : Exception(message);
