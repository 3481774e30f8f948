namespace Checkpointer.Service.Tests.Driving;

/// <summary>Waits for a condition, not for a time.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    /// <summary>Asks again and again until <paramref name="holds"/> accepts what it sees; fails with the last of that.</summary>
    public static async Task<T> GetAsync<T>(Func<Task<T>> look, Func<T, bool> holds, CancellationToken cancellationToken)
    {
        var until = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var seen = await look();
            if (holds(seen))
            {
                return seen;
            }

            Assert.True(TimeProvider.System.GetElapsedTime(until) < Deadline, $"still {seen}");
            await Task.Delay(Pause, cancellationToken);
        }
    }
}
