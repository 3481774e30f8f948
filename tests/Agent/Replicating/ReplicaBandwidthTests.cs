using Checkpointer.Agent.Hosting;
using Checkpointer.Agent.Replicating;
using Microsoft.Extensions.Time.Testing;

namespace Checkpointer.Agent.Tests.Replicating;

public sealed class ReplicaBandwidthTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task Limit_IsKeptOverAnyTime_ByAllReadersTogether()
    {
        var bandwidth = new ReplicaBandwidth(Options(1000), _time);
        var read = 0;
        var readers = Enumerable.Range(0, 3).Select(_ => Task.Run(async () =>
        {
            while (Volatile.Read(ref read) < 10_000)
            {
                await bandwidth.WaitAsync(100, TestContext.Current.CancellationToken);
                Interlocked.Add(ref read, 100);
            }
        })).ToArray();

        var tenths = 0;
        while (Volatile.Read(ref read) < 10_000)
        {
            Assert.True(Volatile.Read(ref read) <= (tenths * 100) + 100, $"{read} bytes after {tenths} tenths of a second");
            await Waiting.UntilAsync(
                () => Volatile.Read(ref read) >= Math.Min(10_000, tenths * 100), () => $"{read} bytes after {tenths} tenths of a second");
            _time.Advance(TimeSpan.FromSeconds(0.1));
            tenths++;
        }

        Assert.InRange(tenths, 95, 110);

        // The others each wait for one more turn.
        _time.Advance(TimeSpan.FromSeconds(1));
        await Task.WhenAll(readers);
    }

    [Fact]
    public async Task IdleTime_IsNotSavedUp()
    {
        var bandwidth = new ReplicaBandwidth(Options(1000), _time);
        _time.Advance(TimeSpan.FromHours(1));
        await bandwidth.WaitAsync(500, TestContext.Current.CancellationToken);
        var next = bandwidth.WaitAsync(500, TestContext.Current.CancellationToken);
        Assert.False(next.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(0.5));
        await next;
    }

    [Fact]
    public void NoLimit_NeverWaits()
    {
        var bandwidth = new ReplicaBandwidth(Options(0), _time);
        for (var i = 0; i < 100; i++)
        {
            Assert.True(bandwidth.WaitAsync(long.MaxValue / 200, TestContext.Current.CancellationToken).IsCompletedSuccessfully);
        }
    }

    private static AgentOptions Options(long bytesPerSecond) => new()
    {
        Node = "node-b",
        Store = new() { Url = "/none" },
        Socket = "/none.sock",
        MemoryBudgetBytes = 1,
        ReplicaBytesPerSecond = bytesPerSecond,
    };
}
