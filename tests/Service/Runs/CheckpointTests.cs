using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Manifests;
using Checkpointer.Service.Runs;
using Checkpointer.Service.Runs.Checkpoints;
using Checkpointer.Service.Runs.Commands;

namespace Checkpointer.Service.Tests.Runs;

public sealed class CheckpointTests
{
    private const int World = 3;
    private readonly RunDriver _run = new();

    public CheckpointTests() => _run.Start("a", World);

    [Fact]
    public void Shards_AllDurable_MakeItCommittingThenCommitted()
    {
        var id = RunDriver.Id(10, 1);
        _run.SealAll(10, World);
        Assert.Equal((CheckpointState.Saving, World, 0), Facts(id));
        Assert.Equal([0, 1, 2], _run.Checkpoint(id).MissingRanks.Select(rank => rank.Value));

        _run.Accepted(_run.ShardOf(id, 2));
        _run.Accepted(_run.ShardOf(id, 0));
        Assert.Equal([1], _run.Checkpoint(id).MissingRanks.Select(rank => rank.Value));
        Assert.Empty(_run.State.PendingCommits);

        var last = _run.Accepted(_run.ShardOf(id, 1));
        Assert.Equal((CheckpointState.Committing, World), (last.State, last.DurableShards));
        Assert.Equal([id], _run.State.PendingCommits);
        Assert.Null(_run.State.Summarise().Committed);

        _run.Accepted(new CompleteCommit(id));
        Assert.Equal((CheckpointState.Committed, World, World), Facts(id));
        Assert.Equal(id, _run.State.Summarise().Committed);
        Assert.Equal(1, _run.State.Summarise().CommittedCheckpoints);
        Assert.Equal(1000 + 1001 + 1002, _run.Checkpoint(id).ImageBytes);
        Assert.Equal(2700, _run.Checkpoint(id).StoredBytes);
        Assert.NotNull(_run.Checkpoint(id).EndedAt);
        Assert.Empty(_run.State.PendingCommits);
        Assert.Empty(_run.Send(new CompleteCommit(id)).Events);
    }

    [Fact]
    public void Shard_Repeated_ChangesNothingAndADifferentOneConflicts()
    {
        var id = RunDriver.Id(10, 1);
        _run.SealAll(10, World);
        _run.Accepted(_run.ShardOf(id, 0));

        var again = _run.Send(_run.ShardOf(id, 0));
        Assert.Empty(again.Events);
        Assert.Equal(1, again.Answer!.DurableShards);
        _run.Refused(_run.ShardOf(id, 0, index: 'b'), ErrorCode.CheckpointConflict);

        _run.Accepted(_run.ShardOf(id, 1));
        _run.Accepted(_run.ShardOf(id, 2));
        Assert.Empty(_run.Send(_run.ShardOf(id, 2)).Events);
        _run.Refused(_run.ShardOf(id, 2, index: 'b'), ErrorCode.CheckpointConflict);
    }

    [Fact]
    public void Shard_OtherBytesThanSealed_Conflicts()
    {
        var id = RunDriver.Id(10, 1);
        _run.SealAll(10, World);

        _run.Refused(_run.ShardOf(id, 0, RunDriver.Image(0, 10, salt: 9)), ErrorCode.CheckpointConflict);
        Assert.Equal(0, _run.Checkpoint(id).DurableShards);
    }

    [Fact]
    public void Shard_BeforeItsSealReport_IsKeptAndBindsTheSeal()
    {
        var id = RunDriver.Id(10, 1);
        _run.Accepted(_run.ShardOf(id, 0));

        Assert.Equal((CheckpointState.Saving, 0, 1), Facts(id));
        _run.Refused(_run.SealOf(10, 0, image: RunDriver.Image(0, 10, salt: 9)), ErrorCode.CheckpointConflict);
        _run.Seal(10, 0);
        Assert.Equal((CheckpointState.Saving, 1, 1), Facts(id));
    }

    [Fact]
    public void Shard_OfAnOldAttemptOrUnknownRank_IsRefused()
    {
        var old = _run.ShardOf(RunDriver.Id(10, 1), 0);
        _run.Refused(_run.ShardOf(RunDriver.Id(10, 1), World), ErrorCode.InvalidRequest);
        _run.Start("b", World);

        _run.Refused(old, ErrorCode.StaleAttempt);
        _run.Refused(_run.ShardOf(RunDriver.Id(10, 1), 0), ErrorCode.StaleAttempt);
        Assert.Null(_run.State.FindCheckpoint(RunDriver.Id(10, 1)));
    }

    [Fact]
    public void Deadline_Passed_AbandonsAndNamesTheMissingRanks()
    {
        var id = RunDriver.Id(10, 1);
        _run.SealAll(10, World);
        _run.Accepted(_run.ShardOf(id, 1));
        var deadline = Assert.Single(_run.State.PendingDeadlines);
        Assert.Equal(id, deadline.Checkpoint);

        _run.Now = deadline.At - TimeSpan.FromSeconds(1);
        Assert.Empty(_run.Send(new PassDeadline(id)).Events);
        _run.Now = deadline.At;
        _run.Accepted(new PassDeadline(id));

        var abandoned = _run.Checkpoint(id);
        Assert.Equal(CheckpointState.Abandoned, abandoned.State);
        Assert.Equal([0, 2], abandoned.MissingRanks.Select(rank => rank.Value));
        Assert.Contains("ranks 0, 2", abandoned.Reason, StringComparison.Ordinal);
        var incident = Assert.Single(_run.Incidents);
        Assert.Equal(IncidentKind.CheckpointAbandoned, incident.Kind);
        Assert.Equal([0, 2], incident.Ranks.Select(rank => rank.Value));
        _run.Refused(_run.ShardOf(id, 0), ErrorCode.CheckpointConflict);
        Assert.Empty(_run.State.PendingDeadlines);
        Assert.Empty(_run.Send(new PassDeadline(id)).Events);
        Assert.Equal(id, _run.State.Summarise().GloballySealed);
    }

    [Fact]
    public void Deadline_AfterAllShards_DoesNotAbandon()
    {
        var id = RunDriver.Id(10, 1);
        _run.SealAll(10, World);
        _run.StoreAll(id, World);
        _run.Now += TimeSpan.FromDays(1);

        Assert.Empty(_run.Send(new PassDeadline(id)).Events);
        Assert.Equal(CheckpointState.Committing, _run.Checkpoint(id).State);
    }

    [Fact]
    public void RejectCommit_AbandonsWithAnIncident()
    {
        var id = RunDriver.Id(10, 1);
        _run.SealAll(10, World);
        _run.StoreAll(id, World);
        _run.Accepted(new RejectCommit(id, "expert 7 is missing", [new Rank(2)]));

        Assert.Equal(CheckpointState.Abandoned, _run.Checkpoint(id).State);
        Assert.Equal("expert 7 is missing", _run.Checkpoint(id).Reason);
        var incident = Assert.Single(_run.Incidents);
        Assert.Equal(IncidentKind.CheckpointIncoherent, incident.Kind);
        Assert.Equal([2], incident.Ranks.Select(rank => rank.Value));
        Assert.Empty(_run.Send(new RejectCommit(id, "expert 7 is missing", [])).Events);
        _run.Refused(new CompleteCommit(id), ErrorCode.CheckpointConflict);
        Assert.Null(_run.State.Summarise().Committed);
    }

    [Fact]
    public void Commit_OfWhatIsNotCommitting_IsRefused()
    {
        _run.SealAll(10, World);
        _run.Refused(new CompleteCommit(RunDriver.Id(10, 1)), ErrorCode.CheckpointConflict);
        _run.Refused(new RejectCommit(RunDriver.Id(10, 1), "x", []), ErrorCode.CheckpointConflict);
        _run.Refused(new CompleteCommit(RunDriver.Id(11, 1)), ErrorCode.NotFound);
    }

    [Fact]
    public void Commit_SameRootsEverywhereAsBefore_IsStateFrozenButCommits()
    {
        _run.Commit(10, World);
        var id = RunDriver.Id(20, 1);
        for (var rank = 0; rank < World; rank++)
        {
            _run.Seal(20, rank, image: RunDriver.Image(rank, 10));
            _run.Accepted(_run.ShardOf(id, rank, RunDriver.Image(rank, 10)));
        }

        _run.Accepted(new CompleteCommit(id));

        Assert.Equal(IncidentKind.StateFrozen, Assert.Single(_run.Incidents).Kind);
        Assert.Equal(id, _run.State.Summarise().Committed);
        _run.Commit(30, World);
        Assert.Single(_run.Incidents);
    }

    [Fact]
    public void NewAttempt_AbandonsWhatTheOldOneSavedButNotWhatItResumes()
    {
        _run.Commit(10, World);
        _run.SealAll(20, World);
        _run.Accepted(_run.ShardOf(RunDriver.Id(20, 1), 0));
        _run.Seal(30, 0);
        var plan = _run.Start("b", World);

        Assert.Equal(RunDriver.Id(20, 1), plan.ResumeFrom);
        Assert.Equal(CheckpointState.Abandoned, _run.Checkpoint(RunDriver.Id(30, 1)).State);
        Assert.False(_run.Checkpoint(RunDriver.Id(30, 1)).OnLineage);
        Assert.Equal([1, 2], Assert.Single(_run.Incidents).Ranks.Select(rank => rank.Value).Except([0]));

        var resumed = RunDriver.Id(20, 1);
        Assert.Equal(CheckpointState.Saving, _run.Checkpoint(resumed).State);
        Assert.Equal(_run.State.FindAttempt(new Attempt(2))!.GrantedAt + _run.State.Options.CheckpointDeadline,
            Assert.Single(_run.State.PendingDeadlines).At);
        _run.Refused(_run.ShardOf(RunDriver.Id(30, 1), 1), ErrorCode.StaleAttempt);
        _run.Accepted(_run.ShardOf(resumed, 1));
        _run.Accepted(_run.ShardOf(resumed, 2));
        _run.Accepted(new CompleteCommit(resumed));
        Assert.Equal(resumed, _run.State.Summarise().Committed);
        Assert.True(_run.Checkpoint(resumed).OnLineage);
    }

    [Fact]
    public void NewAttempt_LeavesACommittingCheckpointToBeCommitted()
    {
        _run.Commit(10, World);
        _run.SealAll(20, World);
        _run.StoreAll(RunDriver.Id(20, 1), World);
        _run.Memory.Clear();
        var plan = _run.Start("b", World);

        Assert.Equal(RunDriver.Id(10, 1), plan.ResumeFrom);
        Assert.Contains("20.1 (no live copy in memory; all shards durable, not committed yet)", plan.Reason, StringComparison.Ordinal);
        _run.Accepted(new CompleteCommit(RunDriver.Id(20, 1)));
        Assert.False(_run.Checkpoint(RunDriver.Id(20, 1)).OnLineage);
        Assert.Equal(RunDriver.Id(10, 1), _run.State.Summarise().Committed);
    }

    [Fact]
    public void Manifest_IsTheSameHoweverOftenItIsBuilt()
    {
        _run.Commit(10, World);
        _run.SealAll(20, World);
        _run.Start("b", World);
        _run.StoreAll(RunDriver.Id(20, 1), World);
        _run.SealAll(30, World);
        _run.StoreAll(RunDriver.Id(30, 2), World);

        var before = _run.State.BuildManifest(RunDriver.Id(30, 2), 4096).Encode();
        _run.Accepted(new CompleteCommit(RunDriver.Id(20, 1)));
        _run.Crash();
        var after = _run.State.BuildManifest(RunDriver.Id(30, 2), 4096).Encode();

        Assert.Equal(before, after);
        var manifest = Manifest.Parse(after);
        Assert.Equal(RunDriver.Id(10, 1), manifest.Parent);
        Assert.Equal(
            [(1, null), (2, RunDriver.Id(20, 1))],
            manifest.Lineage.Select(entry => (entry.Attempt.Value, entry.ResumedFrom)));
        Assert.Equal(World, manifest.Shards.Count);
        Assert.Equal(3003, manifest.ImageBytes);
    }

    [Fact]
    public void OpenCheckpoints_BeyondTheLimit_AbandonTheOldest()
    {
        for (var step = 1; step <= RunLimits.MaxOpenCheckpoints; step++)
        {
            _run.SealAll(step, World);
        }

        Assert.Equal(CheckpointState.Saving, _run.Checkpoint(RunDriver.Id(1, 1)).State);
        _run.SealAll(RunLimits.MaxOpenCheckpoints + 1, World);

        Assert.Equal(CheckpointState.Abandoned, _run.Checkpoint(RunDriver.Id(1, 1)).State);
        Assert.Equal(RunLimits.MaxOpenCheckpoints, _run.State.Checkpoints.OpenCount);
        Assert.Equal(IncidentKind.CheckpointAbandoned, Assert.Single(_run.Incidents).Kind);
    }

    [Fact]
    public void CommittedCheckpoints_BeyondTheLimit_LoseTheirShardsButNotTheirPlace()
    {
        for (var step = 1; step <= RunLimits.MaxDetailedCheckpoints + 1; step++)
        {
            _run.Commit(step, World);
        }

        Assert.Equal(RunLimits.MaxDetailedCheckpoints, _run.State.Checkpoints.Restorable.Count());
        Assert.Null(_run.State.Checkpoints.Find(RunDriver.Id(1, 1))!.Shards);
        Assert.Equal(RunLimits.MaxDetailedCheckpoints + 1, _run.State.ListCheckpoints(null, 100).Items.Count);
        Assert.Equal(CheckpointState.Committed, _run.Accepted(_run.ShardOf(RunDriver.Id(1, 1), 0)).State);
    }

    [Fact]
    public void Transitions_ThatCannotBe_Throw()
    {
        foreach (var trigger in Enum.GetValues<CheckpointTrigger>())
        {
            Assert.Throws<InvariantViolationException>(() => CheckpointTransitions.Next(CheckpointState.Committed, trigger));
            Assert.Throws<InvariantViolationException>(() => CheckpointTransitions.Next(CheckpointState.Abandoned, trigger));
        }

        Assert.Throws<InvariantViolationException>(
            () => CheckpointTransitions.Next(CheckpointState.Saving, CheckpointTrigger.ManifestExists));
        Assert.Throws<InvariantViolationException>(
            () => CheckpointTransitions.Next(CheckpointState.Committing, CheckpointTrigger.CannotComplete));
    }

    [Fact]
    public void Shard_Malformed_IsInvalid()
    {
        var shard = _run.ShardOf(RunDriver.Id(10, 1), 0).Body;
        _run.Refused(new RecordShard(shard with { IndexSha256 = "ABC" }), ErrorCode.InvalidRequest);
        _run.Refused(new RecordShard(shard with { IndexBytes = 0 }), ErrorCode.InvalidRequest);
        _run.Refused(new RecordShard(shard with { StoredBytes = 1001 }), ErrorCode.InvalidRequest);
        _run.Refused(new RecordShard(shard with { DrainMs = double.NaN }), ErrorCode.InvalidRequest);
        _run.Refused(new RecordShard(shard with { Image = null! }), ErrorCode.InvalidRequest);
        _run.Refused(new RecordShard(shard with { Checkpoint = default }), ErrorCode.InvalidRequest);
        _run.Refused(new RecordShard(shard with { Image = shard.Image with { Root = "x" } }), ErrorCode.InvalidRequest);
        _run.Refused(new RecordShard(shard with { Image = shard.Image with { NanCount = -1 } }), ErrorCode.InvalidRequest);
        Assert.Empty(_run.State.ListCheckpoints(null, 10).Items);
    }

    private (CheckpointState State, int Sealed, int Durable) Facts(CheckpointId id)
    {
        var checkpoint = _run.Checkpoint(id);
        return (checkpoint.State, checkpoint.SealedRanks, checkpoint.DurableShards);
    }
}
