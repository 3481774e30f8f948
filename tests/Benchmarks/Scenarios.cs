using Checkpointer.Benchmarks.Recovery;
using Checkpointer.Benchmarks.S3;
using Checkpointer.Cli.Local;

namespace Checkpointer.Benchmarks;

/// <summary>Every scenario by name and kind of store. The goals are the project's own; see README.md beside this file.</summary>
internal static class Scenarios
{
    private const double BytesPerGigabyte = 1e9;

    /// <summary>The scenarios.</summary>
    public static readonly IReadOnlyDictionary<(string Scenario, string Store), Func<BenchmarkContext, CancellationToken, Task<List<Metric>>>> All =
        new Dictionary<(string Scenario, string Store), Func<BenchmarkContext, CancellationToken, Task<List<Metric>>>>
        {
            [("stage", LocalStore.Folder)] = StageAsync,
            [("drain", LocalStore.Folder)] = DrainAsync,
            [("restore", LocalStore.Folder)] = RestoreAsync,
            [("recovery", LocalStore.Folder)] = RecoveryScenario.MeasureAsync,
            [("drain", LocalStore.S3)] = S3Scenarios.DrainAsync,
            [("restore", LocalStore.S3)] = S3Scenarios.RestoreAsync,
        };

    // What a save costs the trainer.
    private static async Task<List<Metric>> StageAsync(BenchmarkContext context, CancellationToken cancellationToken)
    {
        await using var memory = new MemoryWatch(context.Node.AgentPid!.Value);
        var seconds = await context.Trainer.MeasureAsync("stage", context.Node, cancellationToken);
        return
        [
            Metric.AtMost("stage", "stage.stall_vs_memcpy", seconds["save"] / seconds["memcpy"], "ratio", 1.2),
            new("stage", "stage.stall_vs_torch_save", seconds["save"] / seconds["torch_save"], "ratio", null, null),
            Metric.AtMost("stage", "stage.overlap_ms_per_gb", seconds["overlap"] * 1000 / (seconds["bytes"] / BytesPerGigabyte), "ms/GB", 1),
            Speed("stage", "stage.memcpy", seconds, "memcpy"),
            Speed("stage", "stage.save", seconds, "save"),
            Metric.AtMost("stage", "agent.extra_memory_mib", memory.PeakMebibytes, "MiB", 256),
        ];
    }

    // From sealed in memory to durable and acknowledged: hashed, indexed, synced.
    private static async Task<List<Metric>> DrainAsync(BenchmarkContext context, CancellationToken cancellationToken)
    {
        await using var memory = new MemoryWatch(context.Node.AgentPid!.Value);
        var seconds = await context.Trainer.MeasureAsync("drain", context.Node, cancellationToken);
        return
        [
            Metric.AtLeast("drain", "drain.vs_raw_write", seconds["raw_write"] / seconds["drain"], "ratio", 0.8),
            Speed("drain", "drain.raw_write", seconds, "raw_write"),
            Speed("drain", "drain.speed", seconds, "drain"),
            Metric.AtMost("drain", "agent.extra_memory_mib", memory.PeakMebibytes, "MiB", 256),
        ];
    }

    // Each round on a node whose memory is empty, as a spare's is.
    private static async Task<List<Metric>> RestoreAsync(BenchmarkContext context, CancellationToken cancellationToken)
    {
        var (seconds, peakMebibytes) = await RestoreRoundsAsync(context, peers: null, cancellationToken);
        return
        [
            Metric.AtLeast("restore", "restore.vs_raw_read", seconds["raw_read"] / seconds["restore"], "ratio", 0.8),
            new("restore", "restore.vs_torch_load", seconds["torch_load"] / seconds["restore"], "ratio", null, null),
            Speed("restore", "restore.raw_read", seconds, "raw_read"),
            Speed("restore", "restore.speed", seconds, "restore"),
            Metric.AtMost("restore", "agent.extra_memory_mib", peakMebibytes, "MiB", 256),
        ];
    }

    /// <summary>Stores one checkpoint and restores it round by round; medians in seconds, and the agent's most memory.</summary>
    internal static async Task<(Dictionary<string, double> Seconds, double PeakMebibytes)> RestoreRoundsAsync(
        BenchmarkContext context, Uri? peers, CancellationToken cancellationToken)
    {
        await context.Trainer.MeasureAsync("prepare", context.Node, cancellationToken);
        var rounds = new List<IReadOnlyDictionary<string, double>>();
        var peakMebibytes = 0.0;
        for (var round = 0; round < context.Trainer.Rounds; round++)
        {
            await context.Node.KillAsync();
            await context.Node.StartAgentAsync(TimeProvider.System, cancellationToken);
            await using var memory = new MemoryWatch(context.Node.AgentPid!.Value);
            rounds.Add(await context.Trainer.MeasureAsync("restore", context.Node, cancellationToken, peers));
            peakMebibytes = Math.Max(peakMebibytes, memory.PeakMebibytes);
        }

        var seconds = rounds[0].Keys.ToDictionary(name => name, name => Median(rounds.Select(measured => measured[name])));
        return (seconds, peakMebibytes);
    }

    internal static Metric Speed(string scenario, string name, IReadOnlyDictionary<string, double> seconds, string what) =>
        new(scenario, name + "_gb_s", seconds["bytes"] / BytesPerGigabyte / seconds[what], "GB/s", null, null);

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted[sorted.Count / 2];
    }
}
