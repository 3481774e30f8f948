using Checkpointer.Cli.Local;

namespace Checkpointer.Cli.Demo;

/// <summary>What <c>checkpointer demo</c> was asked to do.</summary>
internal sealed record DemoOptions
{
    /// <summary>What to kill.</summary>
    public required KillTarget Kill { get; init; }

    /// <summary>Steps that the job trains.</summary>
    public required int Steps { get; init; }

    /// <summary>Steps between two checkpoints.</summary>
    public required int SaveEvery { get; init; }

    /// <summary>Steps between two snapshots that stay in memory; 0: none but those that become checkpoints.</summary>
    public required int MemoryEvery { get; init; }

    /// <summary>Seeds the model, the data order and the moment of the kill.</summary>
    public required int Seed { get; init; }

    /// <summary>Opens the object store that the cluster uses.</summary>
    public required Func<LocalWorkspace, Action<string>, CancellationToken, Task<LocalStore>> OpenStoreAsync { get; init; }

    /// <summary>Keep everything (store, journal, logs) in this folder; null: a temporary one, removed at the end.</summary>
    public string? KeepFolder { get; init; }

    /// <summary>Write the report as JSON to this file.</summary>
    public string? ReportFile { get; init; }
}
