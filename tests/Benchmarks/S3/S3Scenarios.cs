using Checkpointer.Storage;

namespace Checkpointer.Benchmarks.S3;

/// <summary>The scenarios on a real S3 server, against bare presigned requests and the Minio SDK.</summary>
internal static class S3Scenarios
{
    private const double BytesPerMebibyte = 1 << 20;
    private const double BytesPerGigabyte = 1e9;
    private static readonly string Packs = $"{RepositoryKeys.Runs}{TrainerSide.Run}/packs/";

    /// <summary>From sealed in memory to durable and acknowledged.</summary>
    public static async Task<List<Metric>> DrainAsync(BenchmarkContext context, CancellationToken cancellationToken)
    {
        using var peer = new S3Peer(S3Place.Of(context.Workspace));
        await using var peers = await PeerServer.StartAsync(peer, Packs, context.Node.AgentAddress, cancellationToken);
        await using var memory = new MemoryWatch(context.Node.AgentPid!.Value);
        var seconds = await context.Trainer.MeasureAsync("drain", context.Node, cancellationToken, peers.Address);
        var gigabytes = seconds["bytes"] / BytesPerGigabyte;
        return
        [
            Metric.AtLeast("drain", "drain.s3_vs_raw_put", seconds["raw_put"] / seconds["drain"], "ratio", 0.9),
            Metric.AtLeast("drain", "drain.s3_vs_sdk_put", seconds["sdk_put"] / seconds["drain"], "ratio", 2),
            new("drain", "drain.s3_allocated_mib_per_gb", seconds["allocated"] / BytesPerMebibyte / gigabytes, "MiB/GB", null, null),
            Scenarios.Speed("drain", "drain.s3_raw_put", seconds, "raw_put"),
            Scenarios.Speed("drain", "drain.s3_sdk_put", seconds, "sdk_put"),
            Scenarios.Speed("drain", "drain.s3_speed", seconds, "drain"),
            Metric.AtMost("drain", "agent.extra_memory_mib", memory.PeakMebibytes, "MiB", 256),
        ];
    }

    /// <summary>Each round on a node whose memory is empty, as a spare's is.</summary>
    public static async Task<List<Metric>> RestoreAsync(BenchmarkContext context, CancellationToken cancellationToken)
    {
        using var peer = new S3Peer(S3Place.Of(context.Workspace));
        await using var peers = await PeerServer.StartAsync(peer, Packs, context.Node.AgentAddress, cancellationToken);
        var (seconds, peakMebibytes) = await Scenarios.RestoreRoundsAsync(context, peers.Address, cancellationToken);
        return
        [
            Metric.AtLeast("restore", "restore.s3_vs_raw_get", seconds["raw_get"] / seconds["restore"], "ratio", 0.9),
            new("restore", "restore.s3_vs_raw_get_warm", seconds["raw_get_warm"] / seconds["restore"], "ratio", null, null),
            Scenarios.Speed("restore", "restore.s3_raw_get", seconds, "raw_get"),
            Scenarios.Speed("restore", "restore.s3_speed", seconds, "restore"),
            Metric.AtMost("restore", "agent.extra_memory_mib", peakMebibytes, "MiB", 256),
        ];
    }
}
