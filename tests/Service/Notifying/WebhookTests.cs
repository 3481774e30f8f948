using System.Security.Cryptography;
using System.Text;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Notifying;
using Checkpointer.Service.Tests.Driving;

namespace Checkpointer.Service.Tests.Notifying;

/// <summary>The webhook of a real service at a receiver that answers in every way that receivers do.</summary>
public sealed class WebhookTests : IAsyncLifetime
{
    private IncidentReceiver _receiver = null!;
    private NotifyingWorld _world = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _receiver = await IncidentReceiver.StartAsync();
        _world = await NotifyingWorld.StartAsync(_receiver.Url, "demo", "other");
    }

    public async ValueTask DisposeAsync()
    {
        await _world.DisposeAsync();
        await _receiver.DisposeAsync();
    }

    [Fact]
    public async Task Incidents_ArePostedSignedOnceAndInOrder()
    {
        for (var i = 1; i <= 5; i++)
        {
            await _world.RaiseAsync($"n{i}");
        }

        await CallsAsync(5);
        Assert.Equal([1, 2, 3, 4, 5], _receiver.Calls.Select(call => call.Number));
        foreach (var call in _receiver.Calls)
        {
            Assert.Equal((RunId.Parse("demo"), $"n{call.Number}", "application/json"), (call.Notice.Run, call.Notice.Incident.Node, call.ContentType));
            var parts = call.Signature.Split(',').Select(part => part.Split('=', 2)).ToDictionary(part => part[0], part => part[1]);
            var expected = HMACSHA256.HashData(
                Encoding.UTF8.GetBytes(NotifyingWorld.Secret), Encoding.ASCII.GetBytes(parts["t"] + ".").Concat(call.Body).ToArray());
            Assert.Equal(Convert.ToHexStringLower(expected), parts["v1"]);
        }

        Assert.Equal(5, await WhenMetricAsync("checkpointer_webhook_calls_total", "outcome=\"delivered\"", 5));
        Assert.Equal(0, await WhenMetricAsync("checkpointer_webhook_lag_seconds", "", 0));
    }

    [Theory]
    [InlineData(500)]
    [InlineData(503)]
    [InlineData(302)]
    [InlineData(408)]
    [InlineData(429)]
    public async Task Receiver_ThatHasTrouble_IsTriedForAsLongAsItTakes_AndNothingOvertakes(int status)
    {
        _receiver.Answer = _ => status;
        await _world.RaiseAsync("n1");
        await _world.RaiseAsync("n2");
        await CallsAsync(WebhookSender.MaxRefusals + 5);
        Assert.All(_receiver.Calls, call => Assert.Equal(1, call.Number));
        Assert.True(await _world.MetricAsync("checkpointer_webhook_lag_seconds") > 0);

        _receiver.Answer = _ => 200;
        await Eventually.GetAsync(() => Task.FromResult(_receiver.Calls.Last().Number), number => number == 2, Cancel);
        Assert.Empty(_receiver.Strays);
        Assert.Null(await _world.MetricAsync("checkpointer_webhook_set_aside"));
    }

    [Theory]
    [InlineData(400)]
    [InlineData(401)]
    [InlineData(404)]
    [InlineData(410)]
    [InlineData(422)]
    public async Task Incident_ThatIsRefusedAgainAndAgain_IsSetAside_AndThoseBehindItGoOn(int status)
    {
        _receiver.Answer = call => call.Number == 1 ? status : 200;
        await _world.RaiseAsync("n1");
        await _world.RaiseAsync("n2");
        await _world.RaiseAsync("n3", "other");
        await CallsAsync(WebhookSender.MaxRefusals + 1);
        var other = await Eventually.GetAsync(
            () => Task.FromResult(_receiver.Calls.Where(call => call.Notice.Run.Value == "other").ToList()), calls => calls.Count >= WebhookSender.MaxRefusals, Cancel);

        Assert.Equal(WebhookSender.MaxRefusals, other.Count);
        Assert.Equal(
            [.. Enumerable.Repeat(1L, WebhookSender.MaxRefusals), 2L],
            _receiver.Calls.Where(call => call.Notice.Run.Value == "demo").Select(call => call.Number));
        Assert.Equal(2, await WhenMetricAsync("checkpointer_webhook_set_aside", "", 2));
        Assert.Equal(
            2 * WebhookSender.MaxRefusals,
            await WhenMetricAsync("checkpointer_webhook_calls_total", "outcome=\"refused\"", 2 * WebhookSender.MaxRefusals));

        // It is through with it: not even a restart brings it back.
        await _world.Service.DisposeAsync();
        await _world.StartServiceAsync(_receiver.Url);
        await _world.RaiseAsync("n4");
        await Eventually.GetAsync(() => Task.FromResult(_receiver.Calls.Last().Number), number => number == 3, Cancel);
        Assert.Equal((2 * WebhookSender.MaxRefusals) + 2, _receiver.Calls.Count);
    }

    [Fact]
    public async Task Incident_ThatIsRefusedForAWhile_IsTakenInTheEnd()
    {
        _receiver.Answer = _ => _receiver.Calls.Count < WebhookSender.MaxRefusals - 1 ? 400 : 200;
        await _world.RaiseAsync("n1");
        await _world.RaiseAsync("n2");
        await CallsAsync(WebhookSender.MaxRefusals + 1);
        Assert.Equal([1L, 2L], _receiver.Calls.TakeLast(2).Select(call => call.Number));
        Assert.Null(await _world.MetricAsync("checkpointer_webhook_set_aside"));
    }

    [Fact]
    public async Task Receiver_ThatIsAwayOverARestart_GetsWhatItMissed_AndNothingTwice()
    {
        await _world.RaiseAsync("n1");
        await CallsAsync(1);
        _receiver.Answer = _ => 500;
        await _world.RaiseAsync("n2");
        await CallsAsync(3);
        await _world.Service.DisposeAsync();
        _receiver.Answer = _ => 200;
        _receiver.Calls.Clear();

        await _world.StartServiceAsync(_receiver.Url);
        await CallsAsync(1);
        await _world.RaiseAsync("n3");
        await CallsAsync(2);
        Assert.Equal([2L, 3L], _receiver.Calls.Select(call => call.Number));
    }

    [Fact]
    public async Task Webhook_ThatIsSetUpLater_IsNotToldOfThePast()
    {
        await _world.Service.DisposeAsync();
        await using var late = await NotifyingWorld.StartAsync();
        await late.RaiseAsync("n1");
        await late.Service.DisposeAsync();
        await late.StartServiceAsync(_receiver.Url);
        await late.RaiseAsync("n2");
        await CallsAsync(1);
        Assert.Equal(2, Assert.Single(_receiver.Calls).Number);
        await _world.StartServiceAsync(_receiver.Url);
    }

    [Fact]
    public async Task Secret_ThatIsReplaced_SignsTheNext_AndOneThatIsGoneIsWaitedFor()
    {
        File.Delete(_world.SecretFile);
        await _world.RaiseAsync("n1");
        Assert.True(await WhenMetricAsync("checkpointer_webhook_calls_total", "outcome=\"failed\"", least: 2) >= 2);
        Assert.Empty(_receiver.Calls);
        await File.WriteAllTextAsync(_world.SecretFile, "another secret of the tests", Cancel);
        await CallsAsync(1);
        var call = Assert.Single(_receiver.Calls);
        var seconds = long.Parse(call.Signature.Split(',')[0]["t=".Length..], System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal(
            WebhookSignature.Sign("another secret of the tests"u8, DateTimeOffset.FromUnixTimeSeconds(seconds), call.Body), call.Signature);
    }

    private Task<int> CallsAsync(int count) =>
        Eventually.GetAsync(() => Task.FromResult(_receiver.Calls.Count), seen => seen >= count, Cancel);

    private async Task<double?> WhenMetricAsync(string name, string tag, double least) => await Eventually.GetAsync(
        () => _world.MetricAsync(name, tag), value => value >= least, Cancel);
}
