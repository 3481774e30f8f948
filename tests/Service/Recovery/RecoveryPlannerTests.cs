using Checkpointer.Contracts.Runs;
using Checkpointer.Service.Runs;
using Checkpointer.Service.Runs.Commands;
using Checkpointer.Service.Tests.Runs;

namespace Checkpointer.Service.Tests.Recovery;

public sealed class RecoveryPlannerTests
{
    private const int World = 4;
    private readonly RunDriver _run = new();

    public RecoveryPlannerTests() => _run.Start("a", World);

    [Fact]
    public void NothingSaved_StartsFromScratch()
    {
        _run.Seal(5, 0);
        var plan = _run.Start("b", World);

        Assert.Null(plan.ResumeFrom);
        Assert.Empty(plan.Images);
        Assert.Contains("5.1 (no live copy of ranks 1, 2, 3; 0 of 4 shards durable)", plan.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void MemoryNewerThanStorage_ResumesFromMemory()
    {
        _run.Commit(10, World);
        _run.SealAll(20, World);
        var plan = _run.Start("b", World);

        Assert.Equal(RunDriver.Id(20, 1), plan.ResumeFrom);
        Assert.Equal([0, 1, 2, 3], plan.Images.Select(image => image.Rank.Value));
        Assert.All(plan.Images, image =>
        {
            Assert.Equal(RunDriver.Image(image.Rank.Value, 20).Root, image.Root);
            var source = Assert.Single(image.Sources);
            Assert.Equal((Tier.Memory, RunDriver.NodeOf(image.Rank.Value)), (source.Tier, source.Node));
            Assert.Equal($"http://{source.Node}:7071", source.Address);
        });
        Assert.Contains("from memory", plan.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void MemoryIncomplete_FallsBackToStorageAndSaysWhy()
    {
        _run.Commit(10, World);
        _run.SealAll(20, World);
        _run.Memory.Remove("node-1");
        var plan = _run.Start("b", World);

        Assert.Equal(RunDriver.Id(10, 1), plan.ResumeFrom);
        Assert.Contains("20.1 (no live copy of ranks 2, 3; 0 of 4 shards durable)", plan.Reason, StringComparison.Ordinal);
        Assert.Contains("2 of its 4 images from memory", plan.Reason, StringComparison.Ordinal);
        Assert.Equal([Tier.Memory, Tier.Storage], plan.Images[0].Sources.Select(source => source.Tier));
        Assert.Equal([Tier.Storage], plan.Images[3].Sources.Select(source => source.Tier));
    }

    [Fact]
    public void CommittedAndWholeInMemory_PrefersMemoryThenStorage()
    {
        _run.Commit(10, World);
        var plan = _run.Start("b", World);

        Assert.Equal(RunDriver.Id(10, 1), plan.ResumeFrom);
        Assert.All(plan.Images, image =>
            Assert.Equal([Tier.Memory, Tier.Storage], image.Sources.Select(source => source.Tier)));
        Assert.Equal(RunDriver.Id(10, 1), _run.State.Progress!.GloballySealed);
    }

    [Fact]
    public void CopyWithAnotherRoot_IsNotUsedAndIsAnIncident()
    {
        _run.Commit(10, World);
        _run.SealAll(20, World);
        _run.Memory["node-1"] = [.. _run.Memory["node-1"].Select(holding =>
            holding.Rank.Value == 3 && holding.Checkpoint.Step.Value == 20
                ? holding with { Image = RunDriver.Image(3, 20, salt: 1) }
                : holding)];
        var plan = _run.Start("b", World);

        Assert.Equal(RunDriver.Id(10, 1), plan.ResumeFrom);
        var incident = Assert.Single(_run.Incidents, incident => incident.Kind == IncidentKind.CorruptCopy);
        Assert.Equal([3], incident.Ranks.Select(rank => rank.Value));
        Assert.Contains("node-1", incident.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void CopyOnAPeer_CompletesTheSnapshotOfADeadNode()
    {
        _run.SealAll(20, World);
        _run.Memory.Remove("node-1");
        _run.Hold(2, RunDriver.Id(20, 1), RunDriver.Image(2, 20), "node-0");
        _run.Hold(3, RunDriver.Id(20, 1), RunDriver.Image(3, 20), "node-0");
        var plan = _run.Start("b", World);

        Assert.Equal(RunDriver.Id(20, 1), plan.ResumeFrom);
        Assert.Equal("node-0", Assert.Single(plan.Images[3].Sources).Node);
    }

    [Fact]
    public void CopiesOnSeveralNodes_TheRanksOwnNodeComesFirst()
    {
        _run.SealAll(20, World);
        _run.Hold(2, RunDriver.Id(20, 1), RunDriver.Image(2, 20), "node-0");
        var plan = _run.Start("b", World);

        Assert.Equal(["node-1", "node-0"], plan.Images[2].Sources.Select(source => source.Node));
    }

    [Fact]
    public void CopiesThatContradictEachOther_AreNotUsedWhenNothingWasReported()
    {
        for (var rank = 0; rank < World; rank++)
        {
            _run.Hold(rank, RunDriver.Id(20, 1), RunDriver.Image(rank, 20));
        }

        _run.Hold(1, RunDriver.Id(20, 1), RunDriver.Image(1, 20, salt: 5), "node-1");
        var plan = _run.Start("b", World);

        Assert.Null(plan.ResumeFrom);
        Assert.Equal(2, _run.Incidents.Count(incident => incident.Kind == IncidentKind.CorruptCopy));
    }

    [Fact]
    public void SnapshotOfAnAbandonedWay_IsNeverResumed()
    {
        _run.SealAll(10, World);
        _run.SealAll(30, World);
        var late = _run.Memory["node-1"].Where(holding => holding.Checkpoint.Step.Value == 30).ToList();
        _run.Memory["node-1"].RemoveAll(late.Contains);
        Assert.Equal(RunDriver.Id(10, 1), _run.Start("b", World).ResumeFrom);
        _run.SealAll(12, World);

        // The node comes back with step 30 of attempt 1, which attempt 2 does not descend from.
        _run.Memory["node-1"].AddRange(late);
        var plan = _run.Start("c", World);

        Assert.Equal(RunDriver.Id(12, 2), plan.ResumeFrom);
    }

    [Fact]
    public void GivenUpSnapshot_IsNotResumedEvenIfHeld()
    {
        _run.SealAll(10, World);
        _run.Seal(20, 0);
        _run.Accepted(_run.RefusalOf(20, 1));
        for (var rank = 1; rank < World; rank++)
        {
            _run.Hold(rank, RunDriver.Id(20, 1), RunDriver.Image(rank, 20));
        }

        var plan = _run.Start("b", World);

        Assert.Equal(RunDriver.Id(10, 1), plan.ResumeFrom);
        Assert.Contains("20.1 (given up)", plan.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void CommittedOnAnotherWayOnly_IsResumedRatherThanScratch()
    {
        _run.SealAll(10, World);
        _run.StoreAll(RunDriver.Id(10, 1), World);
        _run.Memory.Clear();
        Assert.Null(_run.Start("b", World).ResumeFrom);
        _run.Accepted(new CompleteCommit(RunDriver.Id(10, 1)));
        Assert.Null(_run.State.Summarise().Committed);
        var plan = _run.Start("c", World);

        Assert.Equal(RunDriver.Id(10, 1), plan.ResumeFrom);
        Assert.Contains("this lineage has none", plan.Reason, StringComparison.Ordinal);
        Assert.Equal(RunDriver.Id(10, 1), _run.State.Summarise().Committed);
        Assert.True(_run.Checkpoint(RunDriver.Id(10, 1)).OnLineage);
    }

    [Fact]
    public void WorldChangesSize_PlanListsTheImagesOfTheWorldThatTookIt()
    {
        _run.Commit(10, World);
        _run.Start("b", 2);
        _run.SealAll(20, 2);
        _run.StoreAll(RunDriver.Id(20, 2), 2);
        _run.Accepted(new CompleteCommit(RunDriver.Id(20, 2)));
        Assert.Equal(4, _run.State.FindCheckpoint(RunDriver.Id(10, 1))!.WorldSize);
        var plan = _run.Start("c", 6);

        Assert.Equal(RunDriver.Id(20, 2), plan.ResumeFrom);
        Assert.Equal(2, plan.Images.Count);
    }

    [Fact]
    public void ManySources_AreCutToTheLimit()
    {
        const int Wide = 24;
        _run.Start("b", Wide);
        _run.Commit(10, Wide);
        for (var node = 0; node < Wide / 2; node++)
        {
            _run.Hold(23, RunDriver.Id(10, 2), RunDriver.Image(23, 10), $"node-{node}");
        }

        var sources = _run.Start("c", Wide).Images[23].Sources;
        Assert.Equal(RunLimits.MaxSourcesPerImage, sources.Count);
        Assert.Equal("node-11", sources[0].Node);
        Assert.Equal(Tier.Storage, sources[^1].Tier);
    }

    [Fact]
    public void NewestDamaged_IsLeftForTheOlderWhole_AndSaysWhy()
    {
        _run.Commit(10, World);
        _run.Commit(20, World);
        _run.Memory.Clear();
        _run.Accepted(new RecordVerification(RunDriver.Id(20, 1), RunDriver.Damaged()));
        var plan = _run.Start("b", World);

        Assert.Equal(RunDriver.Id(10, 1), plan.ResumeFrom);
        Assert.Contains("newest committed checkpoint that is not known to be damaged", plan.Reason, StringComparison.Ordinal);
        Assert.Contains("20.1 (no live copy in memory; damaged in storage: 1 bad", plan.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void DamagedButWholeInMemory_IsResumedFromMemory()
    {
        _run.Commit(10, World);
        _run.Commit(20, World);
        _run.Accepted(new RecordVerification(RunDriver.Id(20, 1), RunDriver.Damaged()));
        var plan = _run.Start("b", World);

        Assert.Equal(RunDriver.Id(20, 1), plan.ResumeFrom);
        Assert.Contains("from memory", plan.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void AllDamaged_NewestIsResumedAllTheSame()
    {
        _run.Commit(10, World);
        _run.Commit(20, World);
        _run.Memory.Clear();
        _run.Accepted(new RecordVerification(RunDriver.Id(10, 1), RunDriver.Damaged()));
        _run.Accepted(new RecordVerification(RunDriver.Id(20, 1), RunDriver.Damaged()));
        var plan = _run.Start("b", World);

        Assert.Equal(RunDriver.Id(20, 1), plan.ResumeFrom);
        Assert.Contains("although its newest verification found it damaged: none is known to be whole", plan.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, 20)]
    [InlineData(false, 10)]
    public void VerifiedAgain_OnlyAGoodOneClearsTheDamage(bool good, int step)
    {
        _run.Commit(10, World);
        _run.Commit(20, World);
        _run.Memory.Clear();
        _run.Accepted(new RecordVerification(RunDriver.Id(20, 1), RunDriver.Damaged()));
        _run.Accepted(new RecordVerification(RunDriver.Id(20, 1), good ? RunDriver.Verified() : RunDriver.Unreadable()));

        Assert.Equal(RunDriver.Id(step, 1), _run.Start("b", World).ResumeFrom);
    }
}
