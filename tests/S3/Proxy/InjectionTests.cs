using System.Net;
using Checkpointer.FaultProxy.Faults;
using Checkpointer.TestKit;

namespace Checkpointer.S3.Tests.Proxy;

/// <summary>What each kind of fault looks like to a client, and what the server sees of it.</summary>
public sealed class InjectionTests
{
    private const string Target = "/b/key";
    private static readonly byte[] Content = TestBytes.Make(10_000, seed: 3);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(FaultKind.InternalError, 500, "InternalError")]
    [InlineData(FaultKind.SlowDown, 503, "SlowDown")]
    [InlineData(FaultKind.TooManyRequests, 429, "TooManyRequests")]
    [InlineData(FaultKind.SkewedClock, 403, "RequestTimeTooSkewed")]
    [InlineData(FaultKind.ExpiredToken, 403, "ExpiredToken")]
    public async Task Answers_ComeInTheServersPlace(FaultKind kind, int status, string code)
    {
        await using var fixture = await ProxyFixture.StartAsync(FaultPlan.Script(kind, kind));

        using var put = await fixture.PutAsync(Target, Content, Cancel);
        using var head = await fixture.Client.SendAsync(new HttpRequestMessage(HttpMethod.Head, fixture.Url(Target)), Cancel);

        Assert.Equal(status, (int)put.StatusCode);
        Assert.Contains($"<Code>{code}</Code>", await put.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
        Assert.Equal(status, (int)head.StatusCode);
        Assert.Empty(fixture.Server.Requests);
        Assert.Equal(2, fixture.Proxy.Counts.Of(kind));
    }

    [Theory]
    [InlineData(FaultKind.ResetBefore, 0, false)]
    [InlineData(FaultKind.ResetInRequest, 1, false)]
    [InlineData(FaultKind.LostAnswer, 1, true)]
    public async Task Resets_OfAPut_ComeBeforeWithinAndAfter(FaultKind kind, int seen, bool done)
    {
        await using var fixture = await ProxyFixture.StartAsync(FaultPlan.Script(kind));

        await Assert.ThrowsAsync<HttpRequestException>(() => fixture.PutAsync(Target, Content, Cancel));

        for (var patience = 0; fixture.Server.Requests.Count < seen && patience < 1000; patience++)
        {
            await Task.Delay(10, Cancel);
        }

        Assert.Equal(seen, fixture.Server.Requests.Count);
        Assert.Equal(done, fixture.Server.Objects.TryGetValue(Target, out var stored) && stored.SequenceEqual(Content));
        Assert.Equal(1, fixture.Proxy.Counts.Of(kind));
    }

    [Theory]
    [InlineData(FaultKind.ResetInResponse)]
    [InlineData(FaultKind.ShortBody)]
    public async Task Answers_ThatEndEarly_SaidTheirWholeLength(FaultKind kind)
    {
        await using var fixture = await ProxyFixture.StartAsync(FaultPlan.Script(kind));
        fixture.Server.Objects[Target] = Content;

        using var answer = await fixture.Client.GetAsync(
            fixture.Url(Target), HttpCompletionOption.ResponseHeadersRead, Cancel);
        var received = new MemoryStream();
        await Assert.ThrowsAnyAsync<IOException>(async () =>
            await (await answer.Content.ReadAsStreamAsync(Cancel)).CopyToAsync(received, Cancel));

        Assert.Equal(Content.Length, answer.Content.Headers.ContentLength);
        Assert.InRange(received.Length, 0, Content.Length / 2);
        Assert.Equal(1, fixture.Proxy.Counts.Of(kind));
    }

    [Fact]
    public async Task ShortLength_IsAWellFormedAnswerOfTooFewBytes()
    {
        await using var fixture = await ProxyFixture.StartAsync(FaultPlan.Script(FaultKind.ShortLength));
        fixture.Server.Objects[Target] = Content;

        var received = await fixture.Client.GetByteArrayAsync(fixture.Url(Target), Cancel);

        Assert.Equal(Content[..(Content.Length / 2)], received);
        Assert.Equal(1, fixture.Proxy.Counts.Of(FaultKind.ShortLength));
    }

    [Fact]
    public async Task WrongBytes_AreOneBitOff_InEitherDirection()
    {
        await using var fixture = await ProxyFixture.StartAsync(
            FaultPlan.Script(FaultKind.WrongRequest, FaultKind.WrongRequest, FaultKind.WrongResponse));

        using var withDigest = await fixture.PutAsync(Target, Content, Cancel);
        Assert.Equal(HttpStatusCode.BadRequest, withDigest.StatusCode);
        Assert.Empty(fixture.Server.Objects);
        using var without = await fixture.Client.PutAsync(fixture.Url(Target), new ByteArrayContent(Content), Cancel);
        Assert.Equal(1, BitsOff(Content, fixture.Server.Objects[Target]));
        fixture.Server.Objects[Target] = Content;

        Assert.Equal(1, BitsOff(Content, await fixture.Client.GetByteArrayAsync(fixture.Url(Target), Cancel)));
        Assert.Equal(2, fixture.Proxy.Counts.Of(FaultKind.WrongRequest));
        Assert.Equal(1, fixture.Proxy.Counts.Of(FaultKind.WrongResponse));
    }

    [Theory]
    [InlineData(FaultKind.HangBefore)]
    [InlineData(FaultKind.HangWithin)]
    public async Task Hangs_LastForAsLongAsTheClientWaits(FaultKind kind)
    {
        await using var fixture = await ProxyFixture.StartAsync(FaultPlan.Script(kind, kind));
        fixture.Server.Objects[Target] = Content;
        fixture.Client.Timeout = TimeSpan.FromMilliseconds(300);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => fixture.Client.GetByteArrayAsync(fixture.Url(Target), Cancel));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => fixture.PutAsync("/b/other", Content, Cancel));

        Assert.Equal(2, fixture.Proxy.Counts.Of(kind));
        Assert.False(fixture.Server.Objects.ContainsKey("/b/other"));
    }

    [Fact]
    public async Task Drips_TakeTheirTime_AndArriveWhole()
    {
        await using var fixture = await ProxyFixture.StartAsync(FaultPlan.Script(FaultKind.Drip, FaultKind.Drip));
        var begun = TimeProvider.System.GetTimestamp();

        (await fixture.PutAsync(Target, Content, Cancel)).EnsureSuccessStatusCode();
        Assert.Equal(Content, await fixture.Client.GetByteArrayAsync(fixture.Url(Target), Cancel));

        // 200 drips of 5 ms at least.
        Assert.True(TimeProvider.System.GetElapsedTime(begun) > TimeSpan.FromMilliseconds(900), "it was fast");
        Assert.Equal(2, fixture.Proxy.Counts.Of(FaultKind.Drip));
    }

    private static int BitsOff(byte[] expected, byte[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        return expected.Zip(actual, (one, other) => int.PopCount(one ^ other)).Sum();
    }
}
