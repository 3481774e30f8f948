namespace Checkpointer.TestKit.Interleaving;

/// <summary>A schedule that failed; the message has its seed and its last steps.</summary>
public sealed class InterleavingException(string message, Exception inner) : Exception(message, inner);
