using Checkpointer.Simulation.Scheduling;

namespace Checkpointer.Simulation.Network;

/// <summary>One request on its way, and what became of it at the server.</summary>
internal sealed class Exchange
{
    public required SimulatedProcess From { get; init; }

    public required string Method { get; init; }

    public required Uri Address { get; init; }

    public required IReadOnlyList<KeyValuePair<string, string[]>> Headers { get; init; }

    /// <summary>The body's source at the server: whole from the beginning, or a stream that the client goes on to fill.</summary>
    public required Func<Stream> OpenBody { get; init; }

    public required bool HasBody { get; init; }

    /// <summary>The body, unless it is a stream.</summary>
    public byte[] Body { get; init; } = [];

    public required long? BodyBytes { get; init; }

    /// <summary>Cancelled at the server when the client's connection is gone.</summary>
    public CancellationTokenSource Aborted { get; } = new();

    /// <summary>Ends when the server sends the head of its answer.</summary>
    public TaskCompletionSource Headed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What it is about, for the trace.</summary>
    public string What => $"{Method} {Address.Authority}{Address.PathAndQuery}";
}

/// <summary>An answer, whole.</summary>
internal sealed record Answer(int Status, IReadOnlyList<KeyValuePair<string, string[]>> Headers, byte[] Body);
