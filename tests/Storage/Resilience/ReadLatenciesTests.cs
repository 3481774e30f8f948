using Checkpointer.Storage.Resilience;

namespace Checkpointer.Storage.Tests.Resilience;

public sealed class ReadLatenciesTests
{
    [Fact]
    public void SlowFrom_IsTheNinetyFifthPercentileOfItsSizeAndFollows()
    {
        var latencies = new ReadLatencies();
        for (var i = 1; i < ReadLatencies.MinSamples; i++)
        {
            latencies.Add(4 << 20, TimeSpan.FromMilliseconds(i));
            Assert.Null(latencies.SlowFrom(4 << 20));
        }

        for (var i = ReadLatencies.MinSamples; i <= 64; i++)
        {
            latencies.Add(4 << 20, TimeSpan.FromMilliseconds(i));
        }

        Assert.Equal(TimeSpan.FromMilliseconds(61), latencies.SlowFrom(4 << 20));
        Assert.Equal(TimeSpan.FromMilliseconds(61), latencies.SlowFrom((1 << 20) + 1));
        Assert.Null(latencies.SlowFrom(1 << 20));
        Assert.Null(latencies.SlowFrom((4 << 20) + 1));
        for (var i = 0; i < 64; i++)
        {
            latencies.Add(4 << 20, TimeSpan.FromMilliseconds(500));
        }

        Assert.Equal(TimeSpan.FromMilliseconds(500), latencies.SlowFrom(4 << 20));
    }

    [Theory]
    [InlineData(0L)]
    [InlineData(1L)]
    [InlineData(1L << 40)]
    public void AnySize_HasAClass(long bytes)
    {
        var latencies = new ReadLatencies();
        for (var i = 0; i < ReadLatencies.MinSamples; i++)
        {
            latencies.Add(bytes, TimeSpan.FromSeconds(1));
        }

        Assert.Equal(TimeSpan.FromSeconds(1), latencies.SlowFrom(bytes));
    }
}
