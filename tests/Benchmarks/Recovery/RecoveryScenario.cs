using System.Globalization;
using Checkpointer.Contracts.Runs;

namespace Checkpointer.Benchmarks.Recovery;

/// <summary>
/// What a failure costs, by where the state is: a rank that died (its node's memory has it), a node that died (its peer's memory
/// has it), and both nodes (object storage has it). Starting processes is left out.
/// </summary>
internal static class RecoveryScenario
{
    private const long Reference = 256L << 20;
    private static readonly long[] Sizes = [64L << 20, Reference, 1L << 30, 2L << 30];

    /// <summary>Measures every size up to the one that was asked for.</summary>
    public static async Task<List<Metric>> MeasureAsync(BenchmarkContext context, CancellationToken cancellationToken)
    {
        var metrics = new List<Metric>();
        foreach (var size in Sizes.Where(size => size <= context.Trainer.SizeBytes))
        {
            metrics.AddRange(await MeasureAsync(context, size, cancellationToken));
        }

        return metrics;
    }

    private static async Task<List<Metric>> MeasureAsync(BenchmarkContext context, long size, CancellationToken cancellationToken)
    {
        var label = string.Create(CultureInfo.InvariantCulture, $"{size >> 20}mib");
        await using var world = new RecoveryWorld(context, size, $"recovery-{label}");
        var measured = new Dictionary<string, List<double>>();
        for (var round = 0; round < context.Trainer.Rounds; round++)
        {
            await world.HoldAsync(durable: false, cancellationToken);
            Add("detect_rank", await world.DetectAsync(world.VictimRank.KillTreeAsync, cancellationToken, IncidentKind.RankDied));
            await world.KillRanksAsync();
            var local = Require(await world.RestoreAsync(cancellationToken), "from_local_memory");
            Add("local_vs_memcpy", local["memcpy"] / local["restore"]);

            await world.HoldAsync(durable: false, cancellationToken);
            var detect = await world.DetectAsync(
                () => Task.WhenAll(world.Victim.KillAsync(), world.VictimRank.KillTreeAsync()),
                cancellationToken,
                IncidentKind.AgentLost,
                IncidentKind.NodeLost);
            await world.KillRanksAsync();
            await world.Victim.StartAgentAsync(TimeProvider.System, cancellationToken);
            var peer = Require(await world.RestoreAsync(cancellationToken), "from_peer_memory");
            Add("detect_node", detect);
            Add("plan", peer["plan"]);
            Add("peer_restore", peer["restore"]);
            Add("detect_plan_restore", detect + peer["plan"] + peer["restore"]);
            Add("peer_vs_tcp", peer["tcp"] / peer["restore"]);

            await world.HoldAsync(durable: true, cancellationToken);
            await world.KillRanksAsync();
            await Task.WhenAll(world.Victim.KillAsync(), world.Peer.KillAsync());
            await Task.WhenAll(
                world.Victim.StartAgentAsync(TimeProvider.System, cancellationToken),
                world.Peer.StartAgentAsync(TimeProvider.System, cancellationToken));
            var raw = RawReading.Seconds(Path.Combine(context.Workspace.Root, "store"), $"recovery-{label}", size);
            var storage = Require(await world.RestoreAsync(cancellationToken), "from_storage");
            Add("storage_vs_raw_read", raw / storage["restore"]);
        }

        var suffix = size == Reference ? "" : "." + label;
        return
        [
            Metric.AtMost("recovery", $"recovery.detect_plan_restore_s{suffix}", Median("detect_plan_restore"), "s", 3),
            new("recovery", $"recovery.detect_node_s{suffix}", Median("detect_node"), "s", null, null),
            new("recovery", $"recovery.detect_rank_s{suffix}", Median("detect_rank"), "s", null, null),
            new("recovery", $"recovery.plan_s{suffix}", Median("plan"), "s", null, null),
            new("recovery", $"recovery.peer_restore_s{suffix}", Median("peer_restore"), "s", null, null),
            Metric.AtLeast("recovery", $"recovery.local_vs_memcpy{suffix}", Median("local_vs_memcpy"), "ratio", 0.6),
            Metric.AtLeast("recovery", $"recovery.peer_vs_tcp{suffix}", Median("peer_vs_tcp"), "ratio", 0.6),
            Metric.AtLeast("recovery", $"recovery.storage_vs_raw_read{suffix}", Median("storage_vs_raw_read"), "ratio", 0.6),
        ];

        void Add(string name, double value)
        {
            if (!measured.TryGetValue(name, out var values))
            {
                measured.Add(name, values = []);
            }

            values.Add(value);
        }

        double Median(string name)
        {
            var sorted = measured[name].Order().ToList();
            return sorted[sorted.Count / 2];
        }
    }

    private static IReadOnlyDictionary<string, double> Require(IReadOnlyDictionary<string, double> answer, string tier) =>
        answer[tier] == 1
            ? answer
            : throw new Checkpointer.Cli.CliException($"A restore that should read {tier} did not: {string.Join(", ", answer)}.");
}
