using System.Diagnostics;
using Checkpointer.Storage.Resilience;

namespace Checkpointer.Storage.Tests.Resilience;

/// <summary>What the resilient store costs a call that goes well at once: next to a request over a network, nothing.</summary>
public sealed class OverheadTests : ResilientStoreFixture
{
    private const int Calls = 1000;
    private const int Batches = 20;

    // Generous: what counts is that it does not grow with the size, nor by an order of magnitude unnoticed.
    private const long MaxBytesACall = 8 * 1024;

    [Theory]
    [InlineData("put", 64 << 20)]
    [InlineData("read", 4 << 20)]
    [InlineData("head", 0)]
    public async Task CallThatGoesWell_AllocatesLittle_WhateverItsSize(string operation, int bytes)
    {
        var store = new ResilientObjectStore(
            new NoObjectStore(), new ResilienceOptions(), Meter, TimeProvider.System, new Random(1));
        var content = new ObjectContent(new byte[bytes]);
        var buffer = new byte[bytes];
        for (var i = 0; i < 2000; i++)
        {
            await CallAsync();
        }

        var allocated = GC.GetAllocatedBytesForCurrentThread();
        var best = TimeSpan.MaxValue;
        for (var batch = 0; batch < Batches; batch++)
        {
            var began = Stopwatch.GetTimestamp();
            for (var i = 0; i < Calls; i++)
            {
                // Everything completes at once, so all of it happens on this thread.
                var call = CallAsync();
                Assert.True(call.IsCompletedSuccessfully);
            }

            var took = Stopwatch.GetElapsedTime(began);
            best = took < best ? took : best;
        }

        allocated = (GC.GetAllocatedBytesForCurrentThread() - allocated) / (Calls * Batches);
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{operation}: {allocated} bytes and {best.TotalMicroseconds / Calls:0.0} us a call");
        Assert.InRange(allocated, 0, MaxBytesACall);

        Task CallAsync() => operation switch
        {
            "put" => store.PutAsync(Key, content, Cancel),
            "read" => store.ReadAsync(Key, 0, buffer, Cancel),
            _ => store.HeadAsync(Key, Cancel),
        };
    }

    private sealed class NoObjectStore : IObjectStore
    {
        private static readonly Task<ObjectInfo?> Nothing = Task.FromResult<ObjectInfo?>(null);

        public string Description => "none";

        public Task PutAsync(ObjectKey key, ObjectContent content, CancellationToken cancellationToken) => Task.CompletedTask;

        public Task<PutOutcome> PutIfAbsentAsync(ObjectKey key, ObjectContent content, CancellationToken cancellationToken) =>
            Task.FromResult(PutOutcome.Created);

        public Task ReadAsync(ObjectKey key, long offset, Memory<byte> destination, CancellationToken cancellationToken) => Task.CompletedTask;

        public Task<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken) => Nothing;

        public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, CancellationToken cancellationToken) => AsyncEnumerable.Empty<ObjectInfo>();

        public Task DeleteAsync(ObjectKey key, CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
