namespace Checkpointer.Chaos;

/// <summary>What a campaign was asked for.</summary>
internal sealed record ChaosOptions
{
    /// <summary>How many strikes.</summary>
    public required int Kills { get; init; }

    /// <summary>Draws strikes, moments and victims, and seeds the trainer.</summary>
    public required int Seed { get; init; }

    /// <summary><c>folder</c>, <c>s3</c> or a store's URL.</summary>
    public required string Store { get; init; }

    /// <summary>Steps of each job.</summary>
    public required int Steps { get; init; }

    /// <summary>How many of the strikes hit a job under torchrun.</summary>
    public required int TorchrunKills { get; init; }

    /// <summary>Only strikes whose text contains this; null: all.</summary>
    public string? Only { get; init; }

    /// <summary>Keep store, journal and logs here.</summary>
    public string? KeepFolder { get; init; }

    /// <summary>Write the report here.</summary>
    public string? ReportFile { get; init; }
}
