namespace Checkpointer.Contracts.Advice;

/// <summary>What the advice follows from. Times in milliseconds or seconds, as named; null where nothing was measured.</summary>
public sealed record AdviceMeasurements
{
    /// <summary>Steps whose time was reported.</summary>
    public required int Steps { get; init; }

    /// <summary>Median time of a step.</summary>
    public required double StepMs { get; init; }

    /// <summary>Saves whose hold on the trainer was reported.</summary>
    public required int Saves { get; init; }

    /// <summary>Median time that a save holds the trainer.</summary>
    public double? StallMs { get; init; }

    /// <summary>Committed checkpoints whose time was measured.</summary>
    public required int Commits { get; init; }

    /// <summary>From the first rank's seal to the commit, the slowest but one in twenty.</summary>
    public double? DrainMs { get; init; }

    /// <summary>From the first grant to the newest step.</summary>
    public required double RuntimeSeconds { get; init; }

    /// <summary>Times that the run had to resume.</summary>
    public required int Failures { get; init; }

    /// <summary>How many of those needed object storage, or began from scratch: memory had not everything.</summary>
    public required int StorageFailures { get; init; }

    /// <summary>Mean time between failures that the advice counts with.</summary>
    public required double FailureEverySeconds { get; init; }

    /// <summary>Mean time between failures that need object storage that the advice counts with.</summary>
    public required double StorageFailureEverySeconds { get; init; }

    /// <summary>Where those two come from, in a sentence.</summary>
    public required string FailureBasis { get; init; }
}
