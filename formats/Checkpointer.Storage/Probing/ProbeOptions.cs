namespace Checkpointer.Storage.Probing;

/// <summary>What a probe does beside its checks.</summary>
public sealed record ProbeOptions
{
    /// <summary>Largest sample, in bytes.</summary>
    public const long MaxSampleBytes = 16L << 30;

    /// <summary>Bytes to put and read back to measure throughput, 0 (no sample) to <see cref="MaxSampleBytes"/>.</summary>
    public long SampleBytes { get; init; }

    /// <summary>How far the store's clock may be off before the probe warns. S3 refuses requests at 15 minutes.</summary>
    public TimeSpan MaxClockSkew { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Objects of other probes that are older than this, by the store's clock, are deleted: whoever made them is dead.</summary>
    public TimeSpan StaleAfter { get; init; } = TimeSpan.FromDays(1);
}
