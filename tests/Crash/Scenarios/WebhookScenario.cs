using System.Net;
using System.Text.Json;
using Checkpointer.Contracts;
using Checkpointer.Service.Hosting;
using Checkpointer.Service.Tests.Driving;
using Checkpointer.Storage.CrashPoints;
using Checkpointer.TestKit;
using Checkpointer.TestKit.Processes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Crash.Tests.Scenarios;

/// <summary>The service amid notifying: the receiver gets every incident at least once, in order, and only the one in flight twice.</summary>
internal static class WebhookScenario
{
    public static IReadOnlyList<CrashScenario> All { get; } =
    [
        new(
            CrashTable.Service,
            "notify",
            [CrashPointNames.WebhookDelivered + ":1", CrashPointNames.WebhookDelivered + ":3", CrashPointNames.DataFileSynced + ":4"],
            NotifyAsync),
    ];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>The service's options with the webhook.</summary>
    public static ServiceOptions Notifying(ServiceOptions options, string address, string secretFile) =>
        options with { Webhook = new WebhookOptions { Url = new Uri(address), SecretFile = secretFile } };

    private static async Task NotifyAsync(string crashAt)
    {
        using var folder = new TemporaryFolder();
        var secret = folder.File("secret");
        await File.WriteAllTextAsync(secret, "a secret of the tests", Cancel);
        var numbers = new List<long>();
        await using var receiver = await ReceiveAsync(numbers);
        var address = receiver.Urls.Single();

        var killed = await ChildProcess.RunAsync(ServiceChildren.Notify, [folder.Path, address, secret], crashAt, Cancel);
        Assert.True(killed.WasKilled, killed.ToString());
        var acknowledged = killed.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length;

        await using var service = await RunningService.StartAsync(folder.Path, options => Notifying(options, address, secret));
        var agents = new FakeAgents(service.Http, service.Store);
        var attempt = await agents.JoinAllAsync("one", Cancel);
        for (var gap = acknowledged + 1; gap <= ServiceChildren.Gaps; gap++)
        {
            _ = await agents.ReportStepAsync(attempt, 10 * gap, Cancel);
        }

        var got = await Eventually.GetAsync(
            () => Task.FromResult(Copy(numbers)), list => list.Contains(ServiceChildren.Gaps), Cancel);
        Assert.Equal(got.Order(), got);
        Assert.Equal(Enumerable.Range(1, ServiceChildren.Gaps).Select(number => (long)number), got.Distinct());
        Assert.InRange(got.Count, ServiceChildren.Gaps, ServiceChildren.Gaps + 1);
        Assert.Equal(crashAt.StartsWith(CrashPointNames.WebhookDelivered, StringComparison.Ordinal) ? 1 : got.Count - ServiceChildren.Gaps, got.Count - ServiceChildren.Gaps);
    }

    private static List<long> Copy(List<long> numbers)
    {
        lock (numbers)
        {
            return [.. numbers];
        }
    }

    private static async Task<WebApplication> ReceiveAsync(List<long> numbers)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        app.Run(async context =>
        {
            var notice = await JsonSerializer.DeserializeAsync(context.Request.Body, ContractsJsonContext.Default.IncidentNotice);
            lock (numbers)
            {
                numbers.Add(notice!.Incident.Number);
            }

            context.Response.StatusCode = StatusCodes.Status204NoContent;
        });
        await app.StartAsync(Cancel);
        return app;
    }
}
