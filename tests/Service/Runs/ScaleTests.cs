using Checkpointer.Contracts.Runs;
using Checkpointer.Service.Runs.Commands;

namespace Checkpointer.Service.Tests.Runs;

/// <summary>A report costs the same whatever the world size: no scan of the world, no copy of it.</summary>
public sealed class ScaleTests
{
    [Fact]
    public void Reports_AllocateTheSameWhateverTheWorldSize()
    {
        _ = BytesPerReport(32);
        var small = BytesPerReport(64);
        var large = BytesPerReport(1024);

        Assert.InRange(large, 1, small * 5 / 4);
    }

    [Fact]
    public void Plan_OfAThousandRanks_FitsOneJournalEntryAndNamesThemAll()
    {
        const int World = 1000;
        var run = new RunDriver();
        run.Start("a", World);
        run.SealAll(10, World);
        var plan = run.Start("b", World);

        Assert.Equal(World, plan.Images.Count);
        Assert.InRange(run.Journal[^1].Length, 1, 8192);
        Assert.Equal(World, run.Replay().CurrentPlan!.Images.Count);
    }

    // The first report of a step makes room for the world, the last one completes it: neither is counted.
    private static long BytesPerReport(int world)
    {
        var run = new RunDriver();
        run.Start("a", world);
        run.Accepted(run.SealOf(10, 0));
        run.Accepted(run.ShardOf(RunDriver.Id(10, 1), 0));
        long bytes = 0;
        for (var rank = 1; rank < world - 1; rank++)
        {
            var seal = run.SealOf(10, rank);
            var shard = run.ShardOf(RunDriver.Id(10, 1), rank);
            var before = GC.GetAllocatedBytesForCurrentThread();
            Take(run, seal);
            Take(run, shard);
            bytes += GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Assert.Equal(world - 1, run.Checkpoint(RunDriver.Id(10, 1)).DurableShards);
        Assert.Equal(CheckpointState.Saving, run.Checkpoint(RunDriver.Id(10, 1)).State);
        return bytes / (world - 2);
    }

    private static void Take<T>(RunDriver run, RunCommand<T> command)
        where T : class
    {
        foreach (var happened in run.State.Decide(command, run.Now).Events)
        {
            run.State.Apply(happened);
        }
    }
}
