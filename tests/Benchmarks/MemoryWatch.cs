using System.Globalization;

namespace Checkpointer.Benchmarks;

/// <summary>Watches how much memory of its own a process has: anonymous pages and mapped files, without shared memory.</summary>
internal sealed class MemoryWatch : IAsyncDisposable
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(20);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _watching;

    /// <summary>Starts watching <paramref name="pid"/>.</summary>
    public MemoryWatch(int pid) => _watching = WatchAsync(pid, _stop.Token);

    /// <summary>Most that was seen, in MiB.</summary>
    public double PeakMebibytes { get; private set; }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _watching;
        _stop.Dispose();
    }

    private async Task WatchAsync(int pid, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var kibibytes = File.ReadLines($"/proc/{pid}/status")
                .Where(line => line.StartsWith("RssAnon:", StringComparison.Ordinal) || line.StartsWith("RssFile:", StringComparison.Ordinal))
                .Sum(line => long.Parse(line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture));
            PeakMebibytes = Math.Max(PeakMebibytes, kibibytes / 1024.0);
            await Task.Delay(LookEvery, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
