using Checkpointer.Storage.Resilience;

namespace Checkpointer.Storage.Tests.Resilience;

public sealed class ConcurrencyTests : ResilientStoreFixture
{
    private const int Large = 1 << 20;

    [Fact]
    public async Task SlowDown_HalvesThePlacesOfItsKindOnly_AndAnswersWinThemBack()
    {
        var store = Make();
        await EndAsync(store.PutAsync(Key, Content(Large), Cancel), ManualObjectStore.SlowDown());
        Assert.Equal((8, 32, 32), Limits(store));
        await EndAsync(store.ReadAsync(Key, 0, new byte[Large], Cancel), ManualObjectStore.SlowDown());
        await EndAsync(store.PutAsync(Key, Content(Large - 1), Cancel), ManualObjectStore.SlowDown());
        Assert.Equal((8, 16, 16), Limits(store));

        for (var round = 0; round < 20; round++)
        {
            List<(Task Put, ManualCall Call)> full = [];
            for (var i = 0; i < store.Lanes[Lane.Write].Limit; i++)
            {
                full.Add((store.PutAsync(Key, Content(Large), Cancel), await Inner.NextAsync()));
            }

            var waiting = store.PutAsync(Key, Content(Large), Cancel);
            foreach (var (put, call) in full)
            {
                call.Succeed();
                await put.WaitAsync(Seconds(30), Cancel);
            }

            (await Inner.NextAsync()).Succeed();
            await waiting.WaitAsync(Seconds(30), Cancel);
        }

        Assert.InRange(store.Lanes[Lane.Write].Limit, 10, 32);
        AssertNothingIsHeld(store);
    }

    [Fact]
    public async Task Timeouts_OfLargeCalls_HalveThePlaces_OfSmallOnesDoNot()
    {
        var store = Make();
        var put = store.PutAsync(Key, Content(Large), Cancel);
        var head = store.HeadAsync(Key, Cancel);
        ManualCall[] calls = [await Inner.NextAsync(), await Inner.NextAsync()];
        Time.Advance(Seconds(16));
        await calls[0].EndCancelledAsync();
        await calls[1].EndCancelledAsync();
        await FailureAsync(put);
        await FailureAsync(head);
        Assert.Equal((8, 32, 32), Limits(store));
    }

    [Fact]
    public async Task PacksThatHang_HoldUpNeitherReadsNorSmallCalls()
    {
        var store = Make(o => o with { MaxConcurrentWrites = 2 });
        Task[] puts = [.. Enumerable.Range(0, 5).Select(_ => store.PutAsync(Key, Content(Large), Cancel))];
        ManualCall[] hanging = [await Inner.NextAsync(), await Inner.NextAsync()];
        Task[] others =
        [
            store.PutIfAbsentAsync(Key, Content(Large - 1), Cancel),
            store.ReadAsync(Key, 0, new byte[Large], Cancel),
            store.HeadAsync(Key, Cancel),
            store.DeleteAsync(Key, Cancel),
        ];
        for (var i = 0; i < others.Length; i++)
        {
            (await Inner.NextAsync()).Succeed();
        }

        await Task.WhenAll(others).WaitAsync(Seconds(30), Cancel);
        Assert.Equal(3, store.Lanes[Lane.Write].Waiting);
        hanging[0].Succeed();
        hanging[1].Succeed();
        for (var i = 2; i < puts.Length; i++)
        {
            (await Inner.NextAsync()).Succeed();
        }

        await Task.WhenAll(puts).WaitAsync(Seconds(30), Cancel);
        AssertNothingIsHeld(store);
    }

    private async Task EndAsync(Task call, Exception failure)
    {
        (await Inner.NextAsync()).Fail(failure);
        await FailureAsync(call);
    }

    private static (int Write, int Read, int Small) Limits(ResilientObjectStore store) =>
        (store.Lanes[Lane.Write].Limit, store.Lanes[Lane.Read].Limit, store.Lanes[Lane.Small].Limit);
}
