using System.Collections.Concurrent;
using Checkpointer.Agent.Arenas;
using Checkpointer.Agent.Draining;
using Checkpointer.Contracts.Agents;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Agent.Tests.Arenas;

/// <summary>Keeps what the engine reports and says what it is told to say.</summary>
internal sealed class FakeService : ISnapshotReporter, IShardReporter, IRunProgressSource
{
    private readonly ConcurrentQueue<SnapshotReport> _snapshots = new();
    private readonly ConcurrentQueue<ShardReport> _shards = new();

    public IReadOnlyList<SnapshotReport> Snapshots => [.. _snapshots];

    public IReadOnlyList<ShardReport> Shards => [.. _shards];

    /// <summary>What a shard report is answered.</summary>
    public Func<ShardReport, ShardOutcome> Answer { get; set; } = _ => ShardOutcome.Acknowledged;

    /// <summary>What asking for progress gives; null: unreachable.</summary>
    public Func<RunProgress?> Progress { get; set; } = () => null;

    public int ProgressCalls { get; private set; }

    public void Report(RunId run, SnapshotReport report) => _snapshots.Enqueue(report);

    /// <summary>Whether a snapshot's report is still on its way.</summary>
    public Func<CheckpointId, bool> Withdraw { get; set; } = _ => false;

    public bool TryWithdraw(RunId run, Rank rank, CheckpointId snapshot) => Withdraw(snapshot);

    public Task<ShardOutcome> ReportAsync(RunId run, ShardReport report, CancellationToken cancellationToken)
    {
        _shards.Enqueue(report);
        return Task.FromResult(Answer(report));
    }

    public Task<RunProgress?> FetchAsync(RunId run, CancellationToken cancellationToken)
    {
        ProgressCalls++;
        return Task.FromResult(Progress());
    }
}
