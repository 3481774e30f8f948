using Checkpointer.Contracts.Runs;
using Checkpointer.Service.Tests.Runs;
using CsCheck;

namespace Checkpointer.Service.Tests.Sweeping;

/// <summary>
/// Invariant 5 of the design on random histories, without the check of indices that stands behind the rule: nothing that a
/// committed checkpoint needs is ever deleted, and nothing that was deleted ever becomes a checkpoint.
/// </summary>
public sealed class SweepPropertyTests
{
    private static readonly Gen<HistoryOp[]> Ops = Gen.Select(
        Gen.Int[0, RandomHistory.Kinds - 1], Gen.Int[0, 7], Gen.Int[0, 7], Gen.Int[0, 2],
        (kind, a, b, c) => new HistoryOp(kind, a, b, c)).Array[1, 90];

    [Fact]
    public void RandomHistories_LoseNothingThatACommittedCheckpointNeeds() => Ops.Sample(
        ops =>
        {
            var world = new SweepWorld();
            foreach (var op in ops)
            {
                world.Play(op);
                world.Check();
                Assert.All(
                    world.History.Run.State.Checkpoints.Records.Where(record => world.History.Swept.Contains(record.Checkpoint)),
                    record => Assert.Equal(CheckpointState.Abandoned, record.State));
            }
        },
        iter: 200);

    [Fact]
    public void RandomHistories_DeleteAndCommit()
    {
        var (deleted, committed) = (0, 0);
        Ops.Sample(
            ops =>
            {
                var world = new SweepWorld();
                Array.ForEach(ops, world.Play);
                Interlocked.Add(ref deleted, world.Deleted);
                Interlocked.Add(ref committed, world.History.Run.State.Checkpoints.CommittedCount);
            },
            iter: 60);

        Assert.True(deleted > 50 && committed > 5, $"deleted {deleted}, committed {committed}");
    }
}
