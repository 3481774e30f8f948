using Checkpointer.FaultProxy.Faults;
using Checkpointer.Formats.Errors;
using Checkpointer.Storage;

namespace Checkpointer.S3.Tests.Campaign;

/// <summary>
/// One fault of each kind: what one request's failure is called, and that the store every process opens bears it or
/// says what is wrong. The output is the table of both.
/// </summary>
public sealed class OneFaultTests(ITestOutputHelper output)
{
    private const int ContentNumber = 8;
    private static readonly ObjectKey Key = new("runs/r/packs/000001/000000-000000.pack");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<FaultKind, bool, ErrorCode> PutFailures => new()
    {
        { FaultKind.InternalError, true, ErrorCode.StorageUnavailable },
        { FaultKind.SlowDown, true, ErrorCode.StorageThrottled },
        { FaultKind.TooManyRequests, true, ErrorCode.StorageThrottled },
        { FaultKind.SkewedClock, false, ErrorCode.StorageDenied },
        { FaultKind.ExpiredToken, false, ErrorCode.StorageDenied },
        { FaultKind.ResetBefore, true, ErrorCode.StorageUnavailable },
        { FaultKind.ResetInRequest, true, ErrorCode.StorageUnavailable },
        { FaultKind.LostAnswer, true, ErrorCode.StorageUnavailable },
        { FaultKind.WrongRequest, true, ErrorCode.StorageUnavailable },
    };

    public static TheoryData<FaultKind, bool, ErrorCode> ReadFailures => new()
    {
        { FaultKind.InternalError, true, ErrorCode.StorageUnavailable },
        { FaultKind.SlowDown, true, ErrorCode.StorageThrottled },
        { FaultKind.TooManyRequests, true, ErrorCode.StorageThrottled },
        { FaultKind.SkewedClock, false, ErrorCode.StorageDenied },
        { FaultKind.ExpiredToken, false, ErrorCode.StorageDenied },
        { FaultKind.ResetBefore, true, ErrorCode.StorageUnavailable },
        { FaultKind.LostAnswer, true, ErrorCode.StorageUnavailable },
        { FaultKind.ResetInResponse, true, ErrorCode.StorageUnavailable },
        { FaultKind.ShortBody, true, ErrorCode.StorageUnavailable },
        { FaultKind.ShortLength, true, ErrorCode.StorageUnavailable },
    };

    public static TheoryData<FaultKind> Kinds => [.. FaultKinds.All];

    [Theory]
    [MemberData(nameof(PutFailures))]
    public async Task Put_ThatMeetsAFault_FailsByItsName_AndTheNextOneSettlesIt(FaultKind kind, bool isTransient, ErrorCode code)
    {
        await using var bucket = await FaultyBucket.NewAsync(Cancel);
        var store = bucket.OpenPlain();
        var bytes = Contents.Make(ContentNumber);
        bucket.Proxy.Plan = FaultPlan.Limited(seed: 1, rate: 1, times: 1, kind);

        var failure = await Assert.ThrowsAsync<CheckpointerException>(
            () => store.PutIfAbsentAsync(Key, new ObjectContent(bytes), Cancel));

        Check(kind, "put", failure, code, isTransient, bucket);
        var again = await store.PutIfAbsentOrVerifyAsync(Key, bytes, Cancel);
        Assert.Equal(kind == FaultKind.LostAnswer ? PutOutcome.AlreadyExists : PutOutcome.Created, again);
        Assert.Equal(ContentNumber, await VisibleAsync(bucket));
    }

    [Theory]
    [MemberData(nameof(ReadFailures))]
    public async Task Read_ThatMeetsAFault_FailsByItsName(FaultKind kind, bool isTransient, ErrorCode code)
    {
        await using var bucket = await FaultyBucket.NewAsync(Cancel);
        var store = bucket.OpenPlain();
        var bytes = Contents.Make(ContentNumber);
        await store.PutAsync(Key, new ObjectContent(bytes), Cancel);
        bucket.Proxy.Plan = FaultPlan.Limited(seed: 1, rate: 1, times: 1, kind);

        var failure = await Assert.ThrowsAsync<CheckpointerException>(
            () => store.ReadAsync(Key, 1000, new byte[70_000], Cancel));

        Check(kind, "read", failure, code, isTransient, bucket);
        var read = new byte[70_000];
        await store.ReadAsync(Key, 1000, read, Cancel);
        Assert.Equal(bytes[1000..71_000], read);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task ResilientStore_BearsOneFault_OrSaysWhatIsWrong(FaultKind kind)
    {
        await using var bucket = await FaultyBucket.NewAsync(Cancel);
        var store = bucket.OpenResilient(new FasterTime(20), seed: 1);
        var bytes = Contents.Make(ContentNumber);
        var read = new byte[bytes.Length];
        var saw = new List<string>();

        bucket.Proxy.Plan = FaultPlan.Limited(seed: 1, rate: 1, times: 1, kind).For("PUT");
        await SeeAsync("put", async () => await store.PutIfAbsentOrVerifyAsync(Key, bytes, Cancel));
        var puts = bucket.Proxy.Counts.Of(kind);
        await store.PutIfAbsentOrVerifyAsync(Key, bytes, Cancel);
        bucket.Proxy.Plan = FaultPlan.Limited(seed: 1, rate: 1, times: puts + 1, kind).For("GET");
        await SeeAsync("read", () => store.ReadAsync(Key, 0, read, Cancel));

        output.WriteLine($"{FaultKinds.Name(kind),-18} | {string.Join(" | ", saw)}");
        var isDenied = kind is FaultKind.SkewedClock or FaultKind.ExpiredToken;
        Assert.All(saw, what => Assert.Equal(isDenied, what.Contains(nameof(ErrorCode.StorageDenied), StringComparison.Ordinal)));
        Assert.True(bucket.Proxy.Counts.Of(kind) >= 1, "nothing was injected");
        Assert.Equal(ContentNumber, await VisibleAsync(bucket));
        if (!isDenied && kind != FaultKind.WrongResponse)
        {
            Assert.Equal(bytes, read);
        }

        async Task SeeAsync(string what, Func<Task> act)
        {
            var failure = await Record.ExceptionAsync(act);
            saw.Add(failure is null ? $"{what}: goes through" : $"{what}: {((CheckpointerException)failure).Code}: {failure.Message}");
        }
    }

    [Fact]
    public async Task Throttling_ThatNamesATime_IsPassedOn()
    {
        await using var bucket = await FaultyBucket.NewAsync(Cancel);
        var store = bucket.OpenPlain();
        bucket.Proxy.Plan = FaultPlan.Seeded(seed: 1, rate: 1, FaultKind.SlowDown, FaultKind.TooManyRequests);

        var asked = new HashSet<TimeSpan?>();
        for (var tries = 0; tries < 20; tries++)
        {
            var failure = await Assert.ThrowsAsync<CheckpointerException>(() => store.ReadAsync(Key, 0, new byte[1], Cancel));
            Assert.Equal(ErrorCode.StorageThrottled, failure.Code);
            asked.Add(failure.RetryAfter);
        }

        Assert.Equal([null, TimeSpan.FromSeconds(1)], asked.Order());
    }

    private void Check(
        FaultKind kind, string what, CheckpointerException failure, ErrorCode code, bool isTransient, FaultyBucket bucket)
    {
        output.WriteLine($"{FaultKinds.Name(kind),-18} | {what}: {failure.Code} | {failure.Message}");
        Assert.Equal(1, bucket.Proxy.Counts.Of(kind));
        Assert.Equal((code, isTransient), (failure.Code, failure.IsTransient));
        Assert.Contains(Key.Value, failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("Signature", failure.Message, StringComparison.OrdinalIgnoreCase);
        if (kind == FaultKind.SkewedClock)
        {
            Assert.Contains("clock", failure.Message, StringComparison.OrdinalIgnoreCase);
        }

        if (kind == FaultKind.ExpiredToken)
        {
            Assert.Contains("expired", failure.Message, StringComparison.OrdinalIgnoreCase);
        }
    }

    private static async Task<int?> VisibleAsync(FaultyBucket bucket) =>
        Contents.NumberOf(await bucket.OpenDirect().ReadAllAsync(Key, 16 << 20, Cancel));
}
