using Checkpointer.Contracts;
using Checkpointer.Contracts.Runs;
using Checkpointer.Service.Coordination;
using Checkpointer.Service.Hosting;
using Checkpointer.Service.Tests.Driving;
using Microsoft.Extensions.DependencyInjection;

namespace Checkpointer.Crash.Tests.Scenarios;

/// <summary>Services as processes of their own, to be killed. The first argument is a folder.</summary>
internal static class ServiceChildren
{
    public const string Train = "train";
    public const string Sweep = "sweep";
    public const string Notify = "notify";

    public const int Steps = 3;

    /// <summary>Steps reported with a gap before each, every one an incident.</summary>
    public const int Gaps = 4;

    public static readonly IReadOnlyDictionary<string, Func<string[], Task<int>>> Programs =
        new Dictionary<string, Func<string[], Task<int>>> { [Train] = TrainAsync, [Sweep] = SweepAsync, [Notify] = NotifyAsync };

    /// <summary>Sweeps as often as it can.</summary>
    public static ServiceOptions OftenSwept(ServiceOptions options) =>
        options with { SweepInterval = TimeSpan.FromMilliseconds(100), SweepGrace = TimeSpan.FromMinutes(1) };

    /// <summary>
    /// Hosts the service there and plays a run against it, saving every step and the journal's state; prints what was acknowledged, line by line. May
    /// be run again on the same folder after a crash: agents repeat what they said.
    /// </summary>
    private static async Task<int> TrainAsync(string[] arguments)
    {
        await using var service = await RunningService.StartAsync(arguments[0]);
        var agents = new FakeAgents(service.Http, service.Store);
        var attempt = await agents.JoinAllAsync("one", CancellationToken.None);
        Say($"attempt {attempt}");
        for (var step = 1; step <= Steps; step++)
        {
            _ = await agents.ReportStepAsync(attempt, step, CancellationToken.None);
            Say($"step {step}");
            await service.Services.GetRequiredService<RunHost>().SaveSnapshotAsync(CancellationToken.None);
            var checkpoint = await agents.SaveAsync(attempt, step, CancellationToken.None);
            Say($"shards {checkpoint}");
            _ = await Eventually.GetAsync(
                () => service.GetAsync(
                    $"v1/runs/{agents.Run}/checkpoints/{checkpoint}", ContractsJsonContext.Default.CheckpointSummary, CancellationToken.None),
                summary => summary.State == CheckpointState.Committed,
                CancellationToken.None);
            Say($"committed {checkpoint}");
        }

        return 0;
    }

    /// <summary>Hosts the service there, sweeping as often as it can, until it is killed or a minute is over.</summary>
    private static async Task<int> SweepAsync(string[] arguments)
    {
        await using var service = await RunningService.StartAsync(arguments[0], OftenSwept);
        await Task.Delay(TimeSpan.FromMinutes(1), TimeProvider.System);
        return 0;
    }

    /// <summary>
    /// Arguments: folder, address of the webhook's receiver, file of its secret. Hosts the service there and makes incidents
    /// one after the other until it is killed or a minute is over; prints each that the service has acknowledged.
    /// </summary>
    private static async Task<int> NotifyAsync(string[] arguments)
    {
        await using var service = await RunningService.StartAsync(
            arguments[0], options => WebhookScenario.Notifying(options, arguments[1], arguments[2]));
        var agents = new FakeAgents(service.Http, service.Store);
        var attempt = await agents.JoinAllAsync("one", CancellationToken.None);
        for (var gap = 1; gap <= Gaps; gap++)
        {
            _ = await agents.ReportStepAsync(attempt, 10 * gap, CancellationToken.None);
            Say($"incident {gap}");
        }

        await Task.Delay(TimeSpan.FromMinutes(1), TimeProvider.System);
        return 0;
    }

    private static void Say(string what) => Console.WriteLine(what);
}
