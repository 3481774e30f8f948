namespace Checkpointer.Storage.Probing;

/// <summary>What a probe found out about a store.</summary>
public sealed record ProbeReport
{
    /// <summary>The store, as it describes itself.</summary>
    public required string Store { get; init; }

    /// <summary>Every check, in the order of <see cref="ProbeCheck"/>.</summary>
    public required IReadOnlyList<ProbeResult> Results { get; init; }

    /// <summary>How far the store's clock is ahead of ours (negative: behind), to about a second; null if it was not measured.</summary>
    public TimeSpan? ClockSkew { get; init; }

    /// <summary>Bytes a second of the sample's puts; null without a sample.</summary>
    public double? PutBytesPerSecond { get; init; }

    /// <summary>Bytes a second of the sample's reads; null without a sample.</summary>
    public double? GetBytesPerSecond { get; init; }

    /// <summary>Whether every check that decides was made and none found the store broken.</summary>
    public bool IsUsable => !IsBroken && FirstUnavailable is null;

    /// <summary>Whether the store answered but must not be used.</summary>
    public bool IsBroken => FirstBroken is not null;

    /// <summary>The first check that found the store broken; null if none did.</summary>
    public ProbeResult? FirstBroken => Results.FirstOrDefault(result => result.Outcome == ProbeOutcome.Broken);

    /// <summary>The first check for which the store was unavailable; null if it was there throughout.</summary>
    public ProbeResult? FirstUnavailable => Results.FirstOrDefault(result => result.Outcome == ProbeOutcome.Unavailable);
}
