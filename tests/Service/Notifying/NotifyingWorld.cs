using Checkpointer.Contracts.Agents;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Coordination;
using Checkpointer.Service.Hosting;
using Checkpointer.Service.Runs.Commands;
using Checkpointer.Service.Tests.Driving;
using Checkpointer.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace Checkpointer.Service.Tests.Notifying;

/// <summary>A service whose runs get incidents whenever a test says so; it may be stopped and started again.</summary>
internal sealed class NotifyingWorld : IAsyncDisposable
{
    public const string Secret = "a secret of the tests";

    private readonly TemporaryFolder _folder = new();
    private long _lastRaisedMs;

    private NotifyingWorld() => File.WriteAllText(SecretFile, Secret + "\n");

    public RunningService Service { get; private set; } = null!;

    public string SecretFile => _folder.File("secret");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static async Task<NotifyingWorld> StartAsync(Uri? webhook = null, params string[] runs)
    {
        var world = new NotifyingWorld();
        await world.StartServiceAsync(webhook);
        foreach (var run in runs.DefaultIfEmpty("demo"))
        {
            _ = await new FakeAgents(world.Service.Http, world.Service.Store, worldSize: 1, run).JoinAllAsync("one", Cancel);
        }

        return world;
    }

    public async Task StartServiceAsync(Uri? webhook) => Service = await RunningService.StartAsync(_folder.Path, options => options with
    {
        Webhook = webhook is null ? null : new WebhookOptions { Url = webhook, SecretFile = SecretFile, RetryDelay = TimeSpan.FromMilliseconds(1) },
    });

    /// <summary>One more incident, the loss of a node of that name, in a millisecond of its own.</summary>
    public async Task RaiseAsync(string node, string run = "demo")
    {
        _ = await Eventually.GetAsync(
            () => Task.FromResult(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds()), now => now > _lastRaisedMs, Cancel);
        _ = await Service.Services.GetRequiredService<RunHost>().ExecuteAsync(
            RunId.Parse(run),
            new RecordLoss(
                node,
                [new RankActivity { Run = RunId.Parse(run), Attempt = new Attempt(1), Rank = new Rank(0), SilentMs = 0 }],
                IsNode: true,
                "no answer."),
            Cancel);
        _lastRaisedMs = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
    }

    /// <summary>A metric's value in what Prometheus reads, or null if it is not there (yet).</summary>
    public async Task<double?> MetricAsync(string name, string tag = "")
    {
        // The exporter gives the same answer for a while.
        var text = await Service.Http.GetStringAsync(new Uri("metrics", UriKind.Relative), Cancel);
        var line = text.Split('\n').FirstOrDefault(line =>
            line.StartsWith(name, StringComparison.Ordinal) && line.Contains(tag, StringComparison.Ordinal));
        return line is null ? null : double.Parse(line.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
    }

    public async ValueTask DisposeAsync()
    {
        await Service.DisposeAsync();
        _folder.Dispose();
    }
}
