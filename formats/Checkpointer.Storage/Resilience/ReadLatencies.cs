using System.Numerics;

namespace Checkpointer.Storage.Resilience;

/// <summary>
/// How long reads took lately, by size: <see cref="SlowFrom"/> is the 95th percentile of the last reads of about a size.
/// Thread-safe.
/// </summary>
internal sealed class ReadLatencies
{
    /// <summary>Reads that must be known before the percentile says anything.</summary>
    public const int MinSamples = 16;

    private const int Samples = 64;
    private const int Every = 8;
    private const double Percentile = 0.95;
    private const int SmallestBits = 16;
    private const int BitsPerClass = 2;
    private const int Classes = 8;

    private readonly SizeClass[] _classes = [.. Enumerable.Range(0, Classes).Select(_ => new SizeClass())];

    /// <summary>Notes that a read of <paramref name="bytes"/> took so long.</summary>
    public void Add(long bytes, TimeSpan took) => Of(bytes).Add(took);

    /// <summary>What nineteen of twenty reads of about <paramref name="bytes"/> took at most; null while too few are known.</summary>
    public TimeSpan? SlowFrom(long bytes) => Of(bytes).Slow;

    /// <summary>Up to 64 KiB, 256 KiB, 1 MiB and so on: within one, sizes differ by four at most, and so do times.</summary>
    private SizeClass Of(long bytes)
    {
        var bits = 64 - BitOperations.LeadingZeroCount((ulong)Math.Max(0, bytes - 1));
        return _classes[Math.Clamp((bits - SmallestBits + BitsPerClass - 1) / BitsPerClass, 0, Classes - 1)];
    }

    private sealed class SizeClass
    {
        private readonly Lock _gate = new();
        private readonly long[] _ticks = new long[Samples];
        private int _count;
        private long _slowTicks;

        public TimeSpan? Slow => Volatile.Read(ref _slowTicks) is > 0 and var ticks ? TimeSpan.FromTicks(ticks) : null;

        public void Add(TimeSpan took)
        {
            lock (_gate)
            {
                _ticks[_count % Samples] = took.Ticks;
                _count++;
                if (_count >= MinSamples && _count % Every == 0)
                {
                    Span<long> sorted = stackalloc long[Samples];
                    sorted = sorted[..Math.Min(_count, Samples)];
                    _ticks.AsSpan(0, sorted.Length).CopyTo(sorted);
                    sorted.Sort();
                    Volatile.Write(ref _slowTicks, Math.Max(1, sorted[(int)(Percentile * sorted.Length)]));
                }
            }
        }
    }
}
