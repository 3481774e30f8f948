using Checkpointer.Storage;

namespace Checkpointer.Cli.Doctor;

/// <summary>What is to be looked at.</summary>
internal sealed record DoctorSubject
{
    /// <summary>The configuration file that counts; null if there is none.</summary>
    public string? ConfigurationPath { get; init; }

    /// <summary>The object store; null if none is named.</summary>
    public StoreOptions? Store { get; init; }

    /// <summary>Bytes to put and get to measure the store's throughput; 0 for none.</summary>
    public long SampleBytes { get; init; }

    /// <summary>Where the service should be.</summary>
    public required Uri Service { get; init; }

    /// <summary>Whether the user named it, so that its absence is a failure.</summary>
    public bool ExpectsService { get; init; }

    /// <summary>This node's name.</summary>
    public required string Node { get; init; }

    /// <summary>The agent's socket.</summary>
    public required string Socket { get; init; }

    /// <summary>Whether the user named it, so that its absence is a failure.</summary>
    public bool ExpectsAgent { get; init; }

    /// <summary>The Python that the user named; null: the usual one, which may be missing.</summary>
    public string? Python { get; init; }

    /// <summary>The folder of the arenas.</summary>
    public required string Arena { get; init; }

    /// <summary>Memory that arenas may take, in bytes.</summary>
    public required long MemoryBudgetBytes { get; init; }
}
