namespace Checkpointer.FaultProxy.Relaying;

/// <summary>The connection to the client is over, by a fault: nothing more passes.</summary>
internal sealed class ClientGoneException : Exception;
