using System.Diagnostics;

namespace Checkpointer.Agent.Tests;

/// <summary>Waiting for a condition, with a deadline that says what was there instead.</summary>
internal static class Waiting
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(15);

    public static async Task UntilAsync(Func<bool> condition, Func<string> state)
    {
        var watch = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(watch.Elapsed < Deadline, $"Not within {Deadline.TotalSeconds} s: {state()}");
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
    }
}
