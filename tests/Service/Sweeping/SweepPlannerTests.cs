using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs.Checkpoints;
using Checkpointer.Service.Sweeping;
using Checkpointer.Storage;

namespace Checkpointer.Service.Tests.Sweeping;

public sealed class SweepPlannerTests
{
    private const string Folder = "000000000007.000001";

    private static readonly RunId Run = RunId.Parse("demo");
    private static readonly CheckpointId Save = new(new Step(7), new Attempt(1));
    private static readonly DateTimeOffset Now = new(2026, 11, 24, 12, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan Grace = TimeSpan.FromHours(1);

    private readonly SaveListing _listing = new(Run);

    [Theory]
    [InlineData(SaveStanding.Unfinished, KeepReason.Unfinished)]
    [InlineData(SaveStanding.Committed, KeepReason.Committed)]
    [InlineData(SaveStanding.Unknown, KeepReason.Unknown)]
    internal void SaveThatMayBeACheckpoint_Stays(SaveStanding standing, KeepReason why)
    {
        Put($"checkpoints/{Folder}/000000.index");
        Put($"packs/{Folder}/000000-000000.pack");

        var plan = Plan(standing);

        Assert.Empty(plan.Deleted);
        Assert.Equal(why, Assert.Single(plan.Kept).Value);
    }

    [Theory]
    [InlineData(SaveStanding.Abandoned, SweepReason.Abandoned)]
    [InlineData(SaveStanding.Condemned, SweepReason.FencedOut)]
    internal void SaveThatIsOver_Goes_IndicesBeforePacks(SaveStanding standing, SweepReason reason)
    {
        Put($"packs/{Folder}/000001-000000.pack");
        Put($"packs/{Folder}/000000-000012.pack");
        Put($"checkpoints/{Folder}/000001.index");

        var deleted = Assert.Single(Plan(standing).Deleted);

        Assert.Equal((Save, reason, 3), (deleted.Checkpoint, deleted.Reason, deleted.Objects));
        Assert.Equal([RepositoryKeys.Index(Run, Save, new Rank(1))], deleted.Indices.Select(found => found.Key));
        Assert.Equal(
            [RepositoryKeys.Pack(Run, Save, new Rank(1), 0), RepositoryKeys.Pack(Run, Save, new Rank(0), 12)],
            deleted.Packs.Select(found => found.Key));
    }

    [Fact]
    public void FencedOutSave_WaitsUntilItIsCondemned()
    {
        Put($"packs/{Folder}/000000-000000.pack");

        var plan = Plan(SaveStanding.FencedOut);

        Assert.Empty(plan.Deleted);
        Assert.Equal([Save], plan.Uncondemned);
    }

    [Fact]
    public void Manifest_KeepsEverything_WhateverTheRunSays()
    {
        Put($"checkpoints/{Folder}/000000.index");
        Put($"checkpoints/{Folder}/MANIFEST.json");
        Put($"packs/{Folder}/000000-000000.pack");

        var plan = Plan(SaveStanding.Abandoned);

        Assert.Empty(plan.Deleted);
        Assert.Empty(plan.Kept);
    }

    [Theory]
    [InlineData(3600, true)]
    [InlineData(3599, false)]
    [InlineData(-60, false)]
    public void Grace_IsOfTheNewestObject_ByTheStoresClock(int newestAgeSeconds, bool goes)
    {
        Put($"packs/{Folder}/000000-000000.pack", TimeSpan.FromDays(9));
        Put($"checkpoints/{Folder}/000000.index", TimeSpan.FromSeconds(newestAgeSeconds));

        var plan = Plan(SaveStanding.Abandoned);

        Assert.Equal(goes ? 1 : 0, plan.Deleted.Count);
        Assert.Equal(goes ? [] : [KeepReason.Young], plan.Kept.Values);
    }

    [Fact]
    public void YoungObjectOfAStranger_KeepsTheFolder()
    {
        Put($"packs/{Folder}/000000-000000.pack", TimeSpan.FromDays(9));
        Put($"packs/{Folder}/notes.txt", TimeSpan.FromMinutes(1));

        Assert.Equal([KeepReason.Young], Plan(SaveStanding.Abandoned).Kept.Values);
    }

    [Fact]
    public void ReferencedPacks_Stay()
    {
        Put($"packs/{Folder}/000000-000000.pack");

        var plan = SweepPlanner.Plan(_listing, _ => SaveStanding.Abandoned, save => save == Save, Now, Grace);

        Assert.Empty(plan.Deleted);
        Assert.Equal([KeepReason.Referenced], plan.Kept.Values);
    }

    [Theory]
    [InlineData("packs/000000000007.000001/notes.txt")]
    [InlineData("packs/000000000007.000001/0-0.pack")]
    [InlineData("packs/000000000007.000001/000000-000000.pack.bak")]
    [InlineData("packs/000000000007.000001/000000-000000.PACK")]
    [InlineData("packs/000000000007.000001/deeper/000000-000000.pack")]
    [InlineData("packs/000000000007.000001/000000.index")]
    [InlineData("packs/7.1/000000-000000.pack")]
    [InlineData("packs/000000000007.000000/000000-000000.pack")]
    [InlineData("packs/000000000007.1000001/000000-000000.pack")]
    [InlineData("packs/stray.pack")]
    [InlineData("checkpoints/000000000007.000001/000000.index.tmp")]
    [InlineData("checkpoints/000000000007.000001/-00000.index")]
    [InlineData("checkpoints/000000000007.000001/000000-000000.pack")]
    [InlineData("attempts/000001.json")]
    [InlineData("layouts/00.json")]
    [InlineData("ledger/000000000007.000001/000000.index")]
    public void UnknownKeys_AreNeverTouched(string key)
    {
        Put(key);

        Assert.Empty(Plan(SaveStanding.Abandoned).Deleted);
    }

    [Fact]
    public void AnotherRunsKeys_AreNotListed()
    {
        _listing.Add(new ObjectInfo(new ObjectKey($"runs/demo2/packs/{Folder}/000000-000000.pack"), 1, Now - TimeSpan.FromDays(9)));

        Assert.Empty(_listing.Folders);
    }

    [Theory]
    [InlineData(7, 1, true)]
    [InlineData(8, 1, true)]
    [InlineData(6, 2, true)]
    [InlineData(6, 1, false)]
    public void CouldReference_IsWhatIsNotOlder(long step, int attempt, bool could) =>
        Assert.Equal(could, SweepPlanner.CouldReference(new CheckpointId(new Step(step), new Attempt(attempt)), Save));

    private SweepPlan Plan(SaveStanding standing) => SweepPlanner.Plan(_listing, _ => standing, _ => false, Now, Grace);

    private void Put(string key, TimeSpan? age = null) => _listing.Add(
        new ObjectInfo(new ObjectKey($"{RepositoryKeys.Run(Run)}{key}"), 100, Now - (age ?? TimeSpan.FromDays(1))));
}
