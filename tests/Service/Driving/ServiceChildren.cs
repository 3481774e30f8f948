using Checkpointer.Contracts;
using Checkpointer.Contracts.Runs;

namespace Checkpointer.Service.Tests.Driving;

/// <summary>What this executable does when a test runs it again as a child.</summary>
internal static class ServiceChildren
{
    public const string Train = "train";

    public const string Sweep = "sweep";

    public const int Steps = 3;

    public static readonly IReadOnlyDictionary<string, Func<string[], Task<int>>> Programs =
        new Dictionary<string, Func<string[], Task<int>>> { [Train] = TrainAsync, [Sweep] = SweepAsync };

    /// <summary>
    /// Arguments: folder. Hosts the service there and plays a run against it, saving every step; prints what was
    /// acknowledged, line by line. May be run again on the same folder after a crash: agents repeat what they said.
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

    /// <summary>Arguments: folder. Hosts the service there, sweeping as often as it can, until it is killed or a minute is over.</summary>
    private static async Task<int> SweepAsync(string[] arguments)
    {
        await using var service = await RunningService.StartAsync(
            arguments[0],
            options => options with { SweepInterval = TimeSpan.FromMilliseconds(100), SweepGrace = TimeSpan.FromMinutes(1) });
        await Task.Delay(TimeSpan.FromMinutes(1), TimeProvider.System);
        return 0;
    }

    private static void Say(string what) => Console.WriteLine(what);
}
