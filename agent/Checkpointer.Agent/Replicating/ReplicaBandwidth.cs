using Checkpointer.Agent.Hosting;

namespace Checkpointer.Agent.Replicating;

/// <summary>
/// Paces what is copied from other nodes: reads begin in turn, each when those before it have had their time at
/// <see cref="AgentOptions.ReplicaBytesPerSecond"/>. An idle time is not saved up. Thread-safe.
/// </summary>
internal sealed class ReplicaBandwidth(AgentOptions options, TimeProvider time)
{
    private readonly Lock _gate = new();
    private long _free = time.GetTimestamp();

    /// <summary>Bytes a second; 0: no limit.</summary>
    public long BytesPerSecond => options.ReplicaBytesPerSecond;

    /// <summary>Waits until <paramref name="bytes"/> more may be read.</summary>
    public async Task WaitAsync(long bytes, CancellationToken cancellationToken)
    {
        if (BytesPerSecond == 0)
        {
            return;
        }

        long turn;
        lock (_gate)
        {
            turn = Math.Max(_free, time.GetTimestamp());
            _free = turn + (long)(bytes / (double)BytesPerSecond * time.TimestampFrequency);
        }

        while (time.GetElapsedTime(time.GetTimestamp(), turn) is var left && left > TimeSpan.Zero)
        {
            await Task.Delay(left, time, cancellationToken);
        }
    }
}
