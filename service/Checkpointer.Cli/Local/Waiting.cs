namespace Checkpointer.Cli.Local;

/// <summary>Waiting for a condition, looking often, with a deadline that says what was waited for.</summary>
internal static class Waiting
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(100);

    /// <summary>Waits until <paramref name="condition"/> holds; throws <see cref="CliException"/> after <paramref name="deadline"/>.</summary>
    public static async Task UntilAsync(
        string what,
        Func<CancellationToken, Task<bool>> condition,
        TimeSpan deadline,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        while (!await condition(cancellationToken).ConfigureAwait(false))
        {
            if (time.GetElapsedTime(start) > deadline)
            {
                throw new CliException($"Gave up after {deadline.TotalSeconds:0} s waiting until {what}.");
            }

            await Task.Delay(LookEvery, time, cancellationToken).ConfigureAwait(false);
        }
    }
}
