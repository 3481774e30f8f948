namespace Checkpointer.Agent.Reporting;

/// <summary>Growing pauses between tries: 100 ms doubling up to 5 s, each by up to half shorter at random. Thread-safe.</summary>
internal sealed class RetryPause(TimeProvider time, Random random)
{
    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);
    private readonly Lock _gate = new();

    /// <summary>Waits after the given number of failures in a row (0 for the first).</summary>
    public Task WaitAsync(int failures, CancellationToken cancellationToken) =>
        Task.Delay(Length(failures), time, cancellationToken);

    /// <summary>How long the pause is.</summary>
    public TimeSpan Length(int failures)
    {
        double share;
        lock (_gate)
        {
            share = 1 - (random.NextDouble() / 2);
        }

        var full = First * Math.Pow(2, Math.Min(failures, 10));
        return (full < Longest ? full : Longest) * share;
    }
}
