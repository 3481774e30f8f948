using System.Text;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs;
using Checkpointer.Service.Runs.Checkpoints;
using Checkpointer.Service.Runs.Commands;

namespace Checkpointer.Service.Tests.Runs;

/// <summary>What of a run's objects without a manifest may be deleted, and that it can be no checkpoint from then on.</summary>
public sealed class SweepStandingTests
{
    private readonly RunDriver _run = new();

    [Fact]
    public void StandingOf_BeforeAnyGrant_IsUnknown()
    {
        _ = _run.Join("a", 0, 2);

        Assert.Equal(SaveStanding.Unknown, Standing(1, 1));
    }

    [Fact]
    public void StandingOf_CurrentAttempt_IsUnfinishedUnlessAbandoned()
    {
        _ = _run.Start("a", 2);
        _ = _run.Commit(1, 2);
        _run.SealAll(2, 2);
        _run.SealAll(3, 2);
        _run.StoreAll(RunDriver.Id(3, 1), 2);
        _run.Now += TimeSpan.FromHours(1);
        _ = _run.Accepted(new PassDeadline(RunDriver.Id(2, 1)));

        Assert.Equal(SaveStanding.Committed, Standing(1, 1));
        Assert.Equal(SaveStanding.Abandoned, Standing(2, 1));
        Assert.Equal(SaveStanding.Unfinished, Standing(3, 1));
        Assert.Equal(SaveStanding.Unfinished, Standing(4, 1));
        Assert.Equal(SaveStanding.Unknown, Standing(1, 2));
    }

    [Fact]
    public void ResumedSnapshot_ThatDrainsOnUnderTheNewAttempt_IsUnfinished_AndCondemnedOnlyByLaterOnes()
    {
        _ = _run.Start("a", 2);
        _ = _run.Commit(1, 2);
        _run.SealAll(5, 2, durable: false);
        _run.Memory.Clear();
        HoldAll(5, 1);
        Assert.Equal(RunDriver.Id(5, 1), _run.Start("b", 2).ResumeFrom);

        _ = _run.Accepted(new CondemnFencedSaves());
        Assert.Equal(SaveStanding.Unfinished, Standing(5, 1));
        Assert.Equal(SaveStanding.Condemned, Standing(4, 1));
        _run.StoreAll(RunDriver.Id(5, 1), 2);
        Assert.Equal(CheckpointState.Committing, _run.Checkpoint(RunDriver.Id(5, 1)).State);
        Assert.Equal(SaveStanding.Unfinished, Standing(5, 1));
    }

    [Fact]
    public void FencedOut_IsNotCondemnedUntilJournaled_AndThenTakenNoMore_AlsoIfResumedFrom()
    {
        _ = _run.Start("a", 2);
        _run.SealAll(4, 2, durable: false);
        _ = _run.Commit(5, 2);
        _run.Memory.Clear();
        Assert.Equal(RunDriver.Id(5, 1), _run.Start("b", 2).ResumeFrom);
        Assert.Equal(SaveStanding.FencedOut, Standing(4, 1));

        _ = _run.Accepted(new CondemnFencedSaves());
        Assert.Equal(SaveStanding.Condemned, Standing(4, 1));
        var entries = _run.Journal.Count;
        _ = _run.Accepted(new CondemnFencedSaves());
        Assert.Equal(entries, _run.Journal.Count);

        // Nothing but memory has it, and it is on the way to the current attempt: a rollback by hand could choose it.
        HoldAll(4, 1);
        var state = RunState.FromSnapshot(SavedRunCodec.Decode(RunDriver.BytesOf(_run.State)).Runs[0], new RunOptions());
        Assert.Equal(SaveStanding.Condemned, state.StandingOf(RunDriver.Id(4, 1)));
        _run.Crash();
        Assert.Equal(SaveStanding.Condemned, Standing(4, 1));
    }

    [Fact]
    public void CondemnedSnapshot_ResumedFromMemory_TrainsOnButIsStoredNoMore()
    {
        _ = _run.Start("a", 1);
        _run.SealAll(4, 1, durable: false);
        _run.SealAll(5, 1, durable: false);
        _run.Memory.Clear();
        HoldAll(5, 1, 1);
        Assert.Equal(RunDriver.Id(5, 1), _run.Start("b", 1).ResumeFrom);
        _ = _run.Accepted(new CondemnFencedSaves());
        _run.Memory.Clear();
        HoldAll(4, 1, 1);
        Assert.Equal(RunDriver.Id(4, 1), _run.Start("c", 1).ResumeFrom);

        var refusal = _run.Refused(_run.ShardOf(RunDriver.Id(4, 1), 0), ErrorCode.CheckpointConflict);

        Assert.Contains("deleted", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(SaveStanding.Condemned, Standing(4, 1));
        _ = _run.Accepted(new CondemnFencedSaves());
        Assert.Equal(SaveStanding.Condemned, Standing(4, 1));
        _ = _run.Refused(_run.ShardOf(RunDriver.Id(4, 1), 0), ErrorCode.CheckpointConflict);
        var entries = _run.Journal.Count;
        _ = _run.Accepted(new CondemnFencedSaves());
        Assert.Equal(entries, _run.Journal.Count);
        _ = _run.Commit(6, 1);
    }

    [Fact]
    public void AbandonedAndForgotten_IsTakenNoMore()
    {
        _ = _run.Start("a", 1);
        Abandon(1, RunLimits.MaxAbandonedCheckpoints + 1);

        Assert.Null(_run.State.FindCheckpoint(RunDriver.Id(1, 1)));
        Assert.Equal(SaveStanding.Condemned, Standing(1, 1));
        _ = _run.Refused(_run.ShardOf(RunDriver.Id(1, 1), 0), ErrorCode.CheckpointConflict);
        _ = _run.Send(_run.SealOf(1, 0));
        Assert.Null(_run.State.FindCheckpoint(RunDriver.Id(1, 1)));
        Assert.Equal(RunDriver.BytesOf(_run.State), RunDriver.BytesOf(_run.Replay()));
    }

    [Fact]
    public void AbandonedAndForgotten_OfAnOlderAttempt_StaysClosed_UntilItIsCondemned()
    {
        _ = _run.Start("a", 1);
        Abandon(1, 3);
        _ = _run.Start("b", 1);
        Abandon(1, RunLimits.MaxAbandonedCheckpoints + 1);

        Assert.Equal([RunDriver.Id(3, 1), RunDriver.Id(1, 2)], _run.State.Checkpoints.Forgotten);
        Assert.Equal(SaveStanding.Condemned, Standing(3, 1));
        Assert.Equal(SaveStanding.FencedOut, Standing(4, 1));
        Assert.Equal(SaveStanding.Condemned, Standing(1, 2));
        Assert.Equal(RunDriver.BytesOf(_run.State), RunDriver.BytesOf(_run.Replay(RunDriver.BytesOf(_run.State), _run.Journal.Count)));

        _ = _run.Accepted(new CondemnFencedSaves());
        Assert.Equal([RunDriver.Id(1, 2)], _run.State.Checkpoints.Forgotten);
        Assert.Equal(SaveStanding.Condemned, Standing(3, 1));
    }

    [Fact]
    public void Forgotten_IsKeptOfTheNewestAttempts_AndOfTheHoleInWhatIsCondemned()
    {
        var book = new CheckpointBook();
        for (var attempt = 1; attempt <= RunLimits.MaxForgottenAttempts + RunLimits.MaxAbandonedCheckpoints; attempt++)
        {
            AbandonIn(book, RunDriver.Id(5, attempt));
        }

        Assert.Equal(RunLimits.MaxForgottenAttempts, book.Forgotten.Count());
        Assert.Equal(RunDriver.Id(5, 1), book.Forgotten.First());
        AbandonIn(book, RunDriver.Id(5, 5000));
        Assert.Equal(RunLimits.MaxForgottenAttempts, book.Forgotten.Count());
        Assert.Equal(RunDriver.Id(5, 2), book.Forgotten.First());

        book.Condemn(new Condemnation(new Attempt(100), RunDriver.Id(4, 50)));
        Assert.Equal([RunDriver.Id(5, 50), RunDriver.Id(5, 101)], book.Forgotten.Take(2));
        Assert.True(book.IsClosed(RunDriver.Id(4, 50)));
        book.Condemn(new Condemnation(new Attempt(101), RunDriver.Id(6, 50)));
        Assert.Equal(RunDriver.Id(5, 102), book.Forgotten.First());
        Assert.False(book.IsClosed(RunDriver.Id(6, 50)));
    }

    [Fact]
    public void Forgotten_OfAnOlderSnapshot_IsRead()
    {
        var saved = Encoding.UTF8.GetBytes(
            """{"runs":[{"run":"sft-demo","past_incarnations":[],"attempts":[],"given_up":[],"snapshots":[],"committed_count":0"""
            + ""","newest_forgotten_checkpoint":{"step":7,"attempt":2},"checkpoints":[],"forgotten_ledger_entries":0,"ledger":[],"disputed_steps":[]"""
            + ""","incident_count":0,"incidents":[]}]}""");

        var state = RunState.FromSnapshot(SavedRunCodec.Decode(saved).Runs[0], new RunOptions());

        Assert.Equal([RunDriver.Id(7, 2)], state.Checkpoints.Forgotten);
        Assert.True(state.Checkpoints.IsClosed(RunDriver.Id(7, 2)));
        Assert.False(state.Checkpoints.IsClosed(RunDriver.Id(8, 2)));
    }

    private static void AbandonIn(CheckpointBook book, CheckpointId checkpoint)
    {
        var at = DateTimeOffset.UnixEpoch.AddSeconds(checkpoint.Attempt.Value);
        var record = book.Begin(checkpoint, worldSize: 1, at, at);
        book.Abandon(record, CheckpointTrigger.CannotComplete, "a test", [], at);
    }

    private void Abandon(int from, int through)
    {
        for (var step = from; step <= through; step++)
        {
            _ = _run.Send(_run.RefusalOf(step, 0));
        }
    }

    private SaveStanding Standing(long step, int attempt) => _run.State.StandingOf(RunDriver.Id(step, attempt));

    private void HoldAll(long step, int attempt, int worldSize = 2)
    {
        for (var rank = 0; rank < worldSize; rank++)
        {
            _run.Hold(rank, RunDriver.Id(step, attempt), RunDriver.Image(rank, step));
        }
    }
}
