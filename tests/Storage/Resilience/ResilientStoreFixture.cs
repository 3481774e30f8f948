using System.Diagnostics.Metrics;
using Checkpointer.Formats.Errors;
using Checkpointer.Storage.Resilience;

namespace Checkpointer.Storage.Tests.Resilience;

/// <summary>A resilient store over one whose calls the test ends by hand, in a time that the test lets pass.</summary>
public abstract class ResilientStoreFixture : IDisposable
{
    protected static readonly ObjectKey Key = new("runs/r/object");

    private readonly Meter _meter = new("test");

    internal ObservedTime Time { get; } = new();

    internal ManualObjectStore Inner { get; } = new();

    /// <summary>The store's meter.</summary>
    protected Meter Meter => _meter;

    protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _meter.Dispose();
        GC.SuppressFinalize(this);
    }

    protected static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);

    protected static ObjectContent Content(int bytes) => new(new byte[bytes]);

    /// <summary>A store whose retries, hedges and breaker stay out of the way unless <paramref name="change"/> says so.</summary>
    protected ResilientObjectStore Make(Func<ResilienceOptions, ResilienceOptions>? change = null)
    {
        var quiet = new ResilienceOptions { MaxAttempts = 1, BreakerAttempts = 10_000, HedgedShare = 0 };
        return new ResilientObjectStore(Inner, change?.Invoke(quiet) ?? quiet, _meter, Time, new Random(1));
    }

    protected static async Task<CheckpointerException> FailureAsync(Task call) =>
        await Assert.ThrowsAsync<CheckpointerException>(() => call.WaitAsync(Seconds(30), Cancel));

    /// <summary>Waits for what a thread is just about to do.</summary>
    protected static async Task Until(Func<bool> holds)
    {
        for (var spins = 0; !holds(); spins++)
        {
            Assert.True(spins < 10_000, "It did not come to hold.");
            await Task.Delay(1, Cancel);
        }
    }

    protected static void AssertNothingIsHeld(ResilientObjectStore store) => Assert.All(
        Enum.GetValues<Lane>(), lane => Assert.Equal((0, 0), (store.Lanes[lane].InFlight, store.Lanes[lane].Waiting)));

    private protected static void AssertPassing(CheckpointerException failure, ErrorCode code = ErrorCode.StorageUnavailable) =>
        Assert.Equal((code, true), (failure.Code, failure.IsTransient));
}
