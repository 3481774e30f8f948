using System.Threading.RateLimiting;

namespace Checkpointer.Storage.Verification;

/// <summary>
/// Keeps reads to a rate on average: a token bucket of one second's bytes, or of the longest read if that is more. Tokens
/// are units of 1 KiB, so that a bucket of any size counts in 32 bits. Thread-safe.
/// </summary>
internal sealed class ReadPace : IAsyncDisposable
{
    private const int UnitBytes = 1024;
    private const int RefillsPerSecond = 10;

    private readonly TokenBucketRateLimiter? _bucket;

    /// <summary>A pace of at most <paramref name="bytesPerSecond"/>; null: none.</summary>
    public ReadPace(long? bytesPerSecond, int longestReadBytes)
    {
        if (bytesPerSecond is { } rate)
        {
            var refill = (int)Math.Clamp(rate / UnitBytes / RefillsPerSecond, 1, int.MaxValue / RefillsPerSecond);
            _bucket = new TokenBucketRateLimiter(new TokenBucketRateLimiterOptions
            {
                TokenLimit = Math.Max(refill * RefillsPerSecond, Units(longestReadBytes)),
                TokensPerPeriod = refill,
                ReplenishmentPeriod = TimeSpan.FromSeconds(1.0 / RefillsPerSecond),
                QueueLimit = int.MaxValue,
                QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
                AutoReplenishment = true,
            });
        }
    }

    /// <summary>Waits until <paramref name="bytes"/> may be read.</summary>
    public async ValueTask WaitAsync(int bytes, CancellationToken cancellationToken)
    {
        if (_bucket is not null)
        {
            using var lease = await _bucket.AcquireAsync(Units(bytes), cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _bucket?.DisposeAsync() ?? ValueTask.CompletedTask;

    private static int Units(int bytes) => (bytes + UnitBytes - 1) / UnitBytes;
}
