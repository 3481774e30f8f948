using Checkpointer.Storage;

namespace Checkpointer.Cli.Doctor;

/// <summary>What <c>checkpointer doctor</c> is told.</summary>
internal sealed record DoctorOptions
{
    /// <summary>The configuration file that counts; null if there is none.</summary>
    public string? ConfigurationPath { get; init; }

    /// <summary>Why it cannot be used; null if it can.</summary>
    public string? ConfigurationProblem { get; init; }

    /// <summary>What of it should be mended although it can be used.</summary>
    public string? ConfigurationWarning { get; init; }

    /// <summary>The store; null if none is named.</summary>
    public StoreOptions? Store { get; init; }

    /// <summary>Bytes to put and get as a sample of its speed; 0: none.</summary>
    public long SampleBytes { get; init; }

    /// <summary>The service.</summary>
    public required Uri Service { get; init; }

    /// <summary>Whether something named it.</summary>
    public bool ServiceAskedFor { get; init; }

    /// <summary>The agent's socket.</summary>
    public required string Socket { get; init; }

    /// <summary>Whether something named it.</summary>
    public bool SocketAskedFor { get; init; }

    /// <summary>The folder of snapshots.</summary>
    public required string Arena { get; init; }

    /// <summary>Memory that snapshots may take; null: the running agent's budget, or an agent's default.</summary>
    public long? MemoryBudgetBytes { get; init; }

    /// <summary>Longest that one check may take.</summary>
    public required TimeSpan Timeout { get; init; }
}
