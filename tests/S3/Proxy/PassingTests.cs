using System.Globalization;
using System.Net;
using Checkpointer.FaultProxy.Faults;
using Checkpointer.TestKit;

namespace Checkpointer.S3.Tests.Proxy;

public sealed class PassingTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Requests_WithoutFaults_PassUnchanged()
    {
        await using var fixture = await ProxyFixture.StartAsync();
        var bytes = TestBytes.Make((5 << 20) + 3, seed: 1);
        const string Target = "/b/a%2Fb/c%20d?X-Amz-Signature=1%2F2&partNumber=";

        (await fixture.PutAsync(Target, bytes, Cancel)).EnsureSuccessStatusCode();

        Assert.Equal(bytes, await fixture.Client.GetByteArrayAsync(fixture.Url(Target), Cancel));
        using var head = await fixture.Client.SendAsync(new HttpRequestMessage(HttpMethod.Head, fixture.Url(Target)), Cancel);
        Assert.Equal(bytes.Length, head.Content.Headers.ContentLength);
        Assert.Equal(
            new[] { "PUT", "GET", "HEAD" }.Select(method => (method, Target, fixture.Proxy.Address.ToString())),
            fixture.Server.Requests);
    }

    [Fact]
    public async Task Bodies_OfManyClientsAtOnce_ArriveWhole()
    {
        await using var fixture = await ProxyFixture.StartAsync();
        using var client = new HttpClient();

        await Task.WhenAll(Enumerable.Range(0, 16).Select(async number =>
        {
            var bytes = TestBytes.Make(100_000 + (number * 37_123), number);
            var url = fixture.Url($"/b/{number}");
            (await client.PutAsync(url, new ByteArrayContent(bytes), Cancel)).EnsureSuccessStatusCode();
            Assert.Equal(bytes, await client.GetByteArrayAsync(url, Cancel));
        }));

        Assert.True(fixture.Server.Connections.Count <= 16, "a connection of a client is kept");
    }

    [Fact]
    public async Task Connections_AreKept_AlsoAfterAnAnswerInTheServersPlace()
    {
        await using var fixture = await ProxyFixture.StartAsync(FaultPlan.Script(null, FaultKind.SlowDown));
        using var client = new HttpClient();

        var answers = new List<HttpStatusCode>();
        for (var number = 0; number < 4; number++)
        {
            using var answer = await client.PutAsync(fixture.Url("/b/k"), new ByteArrayContent(new byte[5000]), Cancel);
            answers.Add(answer.StatusCode);
        }

        Assert.Equal(
            [HttpStatusCode.OK, HttpStatusCode.ServiceUnavailable, HttpStatusCode.OK, HttpStatusCode.OK], answers);
        Assert.Equal(3, Assert.Single(fixture.Server.Connections).Value);
    }

    [Fact]
    public async Task Bodies_AreNotWaitedFor_BeforeTheyPass()
    {
        await using var fixture = await ProxyFixture.StartAsync();

        using var answer = await fixture.Client.GetAsync(
            fixture.Url("/b/slowly"), HttpCompletionOption.ResponseHeadersRead, Cancel);
        var body = await answer.Content.ReadAsStreamAsync(Cancel);
        var first = new byte[5];
        await body.ReadExactlyAsync(first, Cancel);
        Assert.Equal("first"u8, first);
        fixture.Server.Rest.SetResult();

        Assert.Equal("second", await new StreamReader(body).ReadToEndAsync(Cancel));
    }

    [Fact]
    public async Task Bodies_ThatWaitToBeAskedFor_Pass()
    {
        await using var fixture = await ProxyFixture.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Put, fixture.Url("/b/k"))
        {
            Content = new ByteArrayContent([1, 2, 3]),
            Headers = { ExpectContinue = true },
        };

        (await fixture.Client.SendAsync(request, Cancel)).EnsureSuccessStatusCode();

        Assert.Equal([1, 2, 3], fixture.Server.Objects["/b/k"]);
    }

    [Fact]
    public async Task Requests_ToAServerThatIsNotThere_EndWithTheConnection()
    {
        await using var fixture = await ProxyFixture.StartAsync();
        await fixture.Server.DisposeAsync();

        await Assert.ThrowsAsync<HttpRequestException>(() => fixture.Client.GetAsync(fixture.Url("/b/k"), Cancel));

        Assert.Equal(1, fixture.Proxy.Counts.Unreachable);
    }

    [Fact]
    public async Task Plans_OfOneSeed_AreEqual_AndOthersAreNot()
    {
        async Task<string> AnswersAsync(int seed)
        {
            await using var fixture = await ProxyFixture.StartAsync(
                FaultPlan.Seeded(seed, 0.5, FaultKind.InternalError, FaultKind.SlowDown, FaultKind.ExpiredToken));
            var answers = new List<string>();
            for (var number = 0; number < 60; number++)
            {
                using var answer = await fixture.Client.GetAsync(fixture.Url("/b/k"), Cancel);
                answers.Add(((int)answer.StatusCode).ToString(CultureInfo.InvariantCulture) + answer.Headers.RetryAfter);
            }

            return string.Join(' ', answers);
        }

        var first = await AnswersAsync(7);
        Assert.Equal(first, await AnswersAsync(7));
        Assert.NotEqual(first, await AnswersAsync(8));
        Assert.All(["404", "500", "503", "503" + "1", "403"], kind => Assert.Contains(kind, first.Split(' ')));
    }

    [Fact]
    public async Task Plans_ForAMethodAndKey_LeaveOthersAlone_AndALimitHolds()
    {
        await using var fixture = await ProxyFixture.StartAsync(
            FaultPlan.Limited(1, rate: 1, times: 2, FaultKind.InternalError).For("GET", "packs/"));
        async Task<int> StatusAsync(HttpMethod method, string target) =>
            (int)(await fixture.Client.SendAsync(new HttpRequestMessage(method, fixture.Url(target)), Cancel)).StatusCode;

        Assert.Equal(404, await StatusAsync(HttpMethod.Head, "/b/packs/1"));
        Assert.Equal(404, await StatusAsync(HttpMethod.Get, "/b/indices/1"));
        Assert.Equal(500, await StatusAsync(HttpMethod.Get, "/b/packs/1"));
        Assert.Equal(500, await StatusAsync(HttpMethod.Get, "/b/packs%2F1"));
        Assert.Equal(404, await StatusAsync(HttpMethod.Get, "/b/packs/1"));
        Assert.Equal(2, fixture.Proxy.Counts.Of(FaultKind.InternalError));
        Assert.Equal(5, fixture.Proxy.Counts.Requests);
    }
}
