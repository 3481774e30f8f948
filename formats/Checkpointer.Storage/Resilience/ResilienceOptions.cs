using Checkpointer.Formats.Errors;

namespace Checkpointer.Storage.Resilience;

/// <summary>
/// How a process bears a store that is slow, busy, away or lying in between. The defaults suit packs of 256 MiB at a few
/// MB/s in the worst case beside metadata in milliseconds, and rarely want changing.
/// </summary>
public sealed record ResilienceOptions
{
    /// <summary>Most attempts that anyone may configure.</summary>
    public const int MaxAttemptsLimit = 20;

    /// <summary>Most calls at once that anyone may configure, for each kind of call.</summary>
    public const int MaxConcurrencyLimit = 1024;

    /// <summary>Attempts at one call, the first included; 1 to 20.</summary>
    public int MaxAttempts { get; init; } = 6;

    /// <summary>About how long to wait before the second attempt; doubles each time. 1 ms to <see cref="MaxRetryDelay"/>.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>
    /// Longest wait between two attempts, also when the store asks for a longer one, and longest break of the circuit
    /// breaker. Up to 10 minutes.
    /// </summary>
    public TimeSpan MaxRetryDelay { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// What every attempt has before it counts as hanging, and what a small one has in all; one that moves bytes has
    /// their number divided by <see cref="SlowestBytesPerSecond"/> on top. 1 second to 1 hour.
    /// </summary>
    public TimeSpan AttemptTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>The slowest transfer of one object that is still waited for. 1 KiB/s to 1 TiB/s.</summary>
    public long SlowestBytesPerSecond { get; init; } = 1 << 20;

    /// <summary>
    /// How long a call is tried in all, waits between attempts included and waits for a free place not; one that moves
    /// bytes has twice their number divided by <see cref="SlowestBytesPerSecond"/> on top. Null: until the attempts are
    /// used up. Not less than <see cref="AttemptTimeout"/>.
    /// </summary>
    public TimeSpan? CallTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// How many attempts must end within half a minute, nine of ten of them failing in passing, for the circuit breaker to
    /// open; 2 to 10,000.
    /// </summary>
    public int BreakerAttempts { get; init; } = 10;

    /// <summary>How long an open breaker keeps everybody away before one call looks again; doubles each time. 500 ms to <see cref="MaxRetryDelay"/>.</summary>
    public TimeSpan BreakerPause { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Most large puts of this process at once; fewer while the store asks to slow down. 2 to 1,024.</summary>
    public int MaxConcurrentWrites { get; init; } = 32;

    /// <summary>Most large reads of this process at once; fewer while the store asks to slow down. 2 to 1,024.</summary>
    public int MaxConcurrentReads { get; init; } = 32;

    /// <summary>
    /// Most calls of this process at once that move less than 1 MiB (manifests, indices, heads, listings, deletes): places of
    /// their own, so that they never wait behind packs. 2 to 1,024.
    /// </summary>
    public int MaxConcurrentSmallCalls { get; init; } = 64;

    /// <summary>
    /// The share of reads, 0 to 0.2, that may be asked for a second time when they take twice as long as nearly all of their
    /// size did lately; 0: never. Costs that much more reading at most.
    /// </summary>
    public double HedgedShare { get; init; } = 0.05;

    /// <summary>How long one attempt that moves so many bytes may take.</summary>
    internal TimeSpan AttemptTimeoutOf(long bytes) => AttemptTimeout + (TimeSpan.FromSeconds(1) * ((double)bytes / SlowestBytesPerSecond));

    /// <summary>How long a call that moves so many bytes may take in all.</summary>
    internal TimeSpan? CallTimeoutOf(long bytes) => CallTimeout + (TimeSpan.FromSeconds(2) * ((double)bytes / SlowestBytesPerSecond));

    /// <summary>Throws <see cref="ErrorCode.ConfigurationInvalid"/>, naming the setting, if a value makes no sense.</summary>
    public void Validate()
    {
        Require(MaxAttempts is >= 1 and <= MaxAttemptsLimit, nameof(MaxAttempts), MaxAttempts, $"1 to {MaxAttemptsLimit}");
        Require(MaxRetryDelay <= TimeSpan.FromMinutes(10), nameof(MaxRetryDelay), MaxRetryDelay, "at most 10 minutes");
        Require(
            RetryDelay >= TimeSpan.FromMilliseconds(1) && RetryDelay <= MaxRetryDelay,
            nameof(RetryDelay),
            RetryDelay,
            $"1 ms to {nameof(MaxRetryDelay)} ({MaxRetryDelay})");
        Require(
            AttemptTimeout >= TimeSpan.FromSeconds(1) && AttemptTimeout <= TimeSpan.FromHours(1),
            nameof(AttemptTimeout),
            AttemptTimeout,
            "1 second to 1 hour");
        Require(
            SlowestBytesPerSecond is >= 1024 and <= 1L << 40,
            nameof(SlowestBytesPerSecond),
            SlowestBytesPerSecond,
            "1 KiB/s to 1 TiB/s");
        Require(
            CallTimeout is not { } call || (call >= AttemptTimeout && call <= TimeSpan.FromDays(1)),
            nameof(CallTimeout),
            CallTimeout,
            $"{nameof(AttemptTimeout)} ({AttemptTimeout}) to 1 day, or none");
        Require(BreakerAttempts is >= 2 and <= 10_000, nameof(BreakerAttempts), BreakerAttempts, "2 to 10,000");
        Require(
            BreakerPause >= TimeSpan.FromMilliseconds(500) && BreakerPause <= MaxRetryDelay,
            nameof(BreakerPause),
            BreakerPause,
            $"500 ms to {nameof(MaxRetryDelay)} ({MaxRetryDelay})");
        RequirePlaces(MaxConcurrentWrites, nameof(MaxConcurrentWrites));
        RequirePlaces(MaxConcurrentReads, nameof(MaxConcurrentReads));
        RequirePlaces(MaxConcurrentSmallCalls, nameof(MaxConcurrentSmallCalls));
        Require(HedgedShare is >= 0 and <= 0.2, nameof(HedgedShare), HedgedShare, "0 to 0.2");
    }

    private static void RequirePlaces(int places, string name) => Require(
        places is >= AdaptiveConcurrency.MinLimit and <= MaxConcurrencyLimit,
        name,
        places,
        $"{AdaptiveConcurrency.MinLimit} to {MaxConcurrencyLimit}");

    private static void Require(bool holds, string name, object? value, string range)
    {
        if (!holds)
        {
            throw new CheckpointerException(
                ErrorCode.ConfigurationInvalid, FormattableString.Invariant($"The store's {name} is {value}; it must be {range}."));
        }
    }
}
