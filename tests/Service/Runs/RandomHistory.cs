using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs.Checkpoints;
using Checkpointer.Service.Runs.Commands;
using Checkpointer.Service.Runs.Events;
using Checkpointer.Service.Runs.Rollbacks;

namespace Checkpointer.Service.Tests.Runs;

/// <summary>
/// Plays a random history against the run: joins in any order, sealed and refused snapshots, shards, steps, deadlines,
/// commits, lost nodes, restores that go well or not, rollbacks; late, doubled and stale messages; crashes, also amid a decision.
/// Remembers what it was told was accepted, which is what the invariants are checked against.
/// </summary>
internal sealed class RandomHistory
{
    private const int MaxStep = 40;

    public const int Kinds = 19;

    private readonly List<Func<Decision>> _sent = [];
    private int _incarnation;
    private (byte[] State, int Entries)? _saved;

    public RunDriver Run { get; } = new();

    /// <summary>Every grant.</summary>
    public List<Grant> Grants { get; } = [];

    /// <summary>Accepted shards: as their agents reported them.</summary>
    public List<ShardReport> Shards { get; } = [];

    /// <summary>What a sweep was told it may delete: none of it may ever become a checkpoint.</summary>
    public HashSet<CheckpointId> Swept { get; } = [];

    /// <summary>What attempts were to resume from before they got another plan.</summary>
    public HashSet<(Attempt Attempt, CheckpointId Checkpoint)> Replaced { get; } = [];

    /// <summary>Rollbacks that were decided: none may be lost, nor decided otherwise afterwards.</summary>
    public List<Rollback> Rollbacks { get; } = [];

    /// <summary>Commits that were durable.</summary>
    public HashSet<CheckpointId> Committed { get; } = [];

    /// <summary>Accepted sealed snapshots.</summary>
    public List<SnapshotReport> Seals { get; } = [];

    public void Play(HistoryOp op)
    {
        switch (op.Kind)
        {
            case 0 or 1:
                Start(1 + (op.A % 3), op.B);
                break;
            case 2:
                Join($"n{Math.Max(0, _incarnation + 1 - (op.C % 3))}", op.A % 3, 1 + (op.B % 3));
                break;
            case 3 or 4:
                SealSome(op);
                break;
            case 5:
                Send(WithAttempt(op, attempt => new RecordSnapshot(Run.RefusalOf(NextStep(op.B), op.A % 3).Body with { Attempt = attempt })));
                break;
            case 6 or 7:
                StoreSome(op);
                break;
            case 8 or 9:
                Report(op);
                break;
            case 10:
                Finish(op);
                break;
            case 11:
                Run.Memory.Remove(RunDriver.NodeOf(op.A % 3));
                break;
            case 12 when _sent.Count > 0:
                _sent[((op.A * 64) + (op.B * 8) + op.C) % _sent.Count]();
                break;
            case 13:
                Crash(op);
                break;
            case 14:
                Sweep();
                break;
            case 15 or 16:
                Restore(op);
                break;
            case 17 or 18:
                RollBack(op);
                break;
        }
    }

    /// <summary>The state after a crash now, in both ways; each must be the very state.</summary>
    public void CheckReplay()
    {
        var live = RunDriver.BytesOf(Run.State);
        Assert.Equal(live, RunDriver.BytesOf(Run.Replay()));
        if (_saved is { } saved)
        {
            Assert.Equal(live, RunDriver.BytesOf(Run.Replay(saved.State, saved.Entries)));
        }
    }

    private void Start(int world, int rotation)
    {
        var incarnation = $"n{++_incarnation}";
        for (var i = 0; i < world; i++)
        {
            Join(incarnation, (i + rotation) % world, world);
        }
    }

    private void Join(string incarnation, int rank, int world)
    {
        if (rank >= world)
        {
            return;
        }

        _incarnation = Math.Max(_incarnation, int.Parse(incarnation[1..], System.Globalization.CultureInfo.InvariantCulture));
        var attempt = Run.State.CurrentAttempt;
        var before = Run.Replay();
        var join = RunDriver.JoinOf(incarnation, rank, world, null, Run.Memory.GetValueOrDefault(RunDriver.NodeOf(rank))?.ToList());
        foreach (var joined in before.Decide(join, Run.Now).Events.OfType<RankJoined>())
        {
            before.Apply(joined);
        }

        Send(join);
        if (Run.State.CurrentAttempt != attempt)
        {
            Grants.Add(new Grant(before, Run.State.CurrentPlan!));
        }
    }

    private void SealSome(HistoryOp op)
    {
        for (var rank = 0; rank < 1 + op.C; rank++)
        {
            var (at, salt) = ((rank + op.A) % 3, op.A == 7 && op.B == 7 ? 1 : 0);
            Send(WithAttempt(op with { A = op.A / 2 }, attempt =>
            {
                var image = RunDriver.Image(at, NextStep(op.B), salt + (100 * attempt.Value));
                return new RecordSnapshot(Run.SealOf(NextStep(op.B), at, op.B % 2 == 0, image).Body with { Attempt = attempt });
            }));
        }
    }

    private void StoreSome(HistoryOp op)
    {
        var ids = Run.State.Checkpoints.Records.Select(record => record.Checkpoint)
            .Append(Run.State.Attempts.Current?.ResumedFrom ?? RunDriver.Id(NextStep(op.B), 1))
            .Append(RunDriver.Id(NextStep(op.B), Run.State.CurrentAttempt?.Value ?? 1)).ToList();
        var id = ids[^(1 + (op.B % ids.Count))];
        for (var rank = 0; rank < 1 + op.C; rank++)
        {
            var at = (rank + op.A) % 3;
            var image = RunDriver.Image(at, id.Step.Value, (op.A == 7 && op.B == 7 ? 1 : 0) + (100 * id.Attempt.Value));
            Send(WithAttempt(op with { A = op.A / 2 }, attempt =>
                new RecordShard(Run.ShardOf(id, at, image).Body with { Attempt = attempt })));
        }
    }

    private void Report(HistoryOp op)
    {
        var newest = Run.State.CurrentAttempt is { } current
            ? Run.State.Ledger.NewestOf(current)?.Value ?? Run.State.Attempts.Current!.ResumedFrom?.Step.Value ?? 0
            : 0;
        var first = Math.Max(1, newest + 1 + (op.A == 0 ? 2 : op.A == 1 ? -2 : 0));
        var steps = Enumerable.Range((int)first, 1 + op.C).Select(step => RunDriver.StepOf(step, op.B == 0 ? 3 : 1.5)).ToList();
        Send(WithAttempt(op with { A = op.A / 2 }, attempt => new RecordSteps(new ReportSteps { Attempt = attempt, Reports = steps })));
    }

    private void Finish(HistoryOp op)
    {
        if (op.C == 0 && Run.State.PendingDeadlines.Count > 0)
        {
            var deadline = Run.State.PendingDeadlines[0];
            Run.Now = deadline.At > Run.Now ? deadline.At : Run.Now;
            Send(new PassDeadline(deadline.Checkpoint));
        }
        else if (Run.State.PendingCommits.Count > 0)
        {
            var id = Run.State.PendingCommits[op.A % Run.State.PendingCommits.Count];
            _ = op.B == 0 ? Send(new RejectCommit(id, "holes", [])) : Send(new CompleteCommit(id));
        }
        else if (Run.State.Checkpoints.Restorable.ToList() is { Count: > 0 } committed)
        {
            Send(new RecordVerification(
                committed[op.A % committed.Count].Checkpoint,
                op.B < 4 ? RunDriver.Damaged() : op.B < 6 ? RunDriver.Verified() : RunDriver.Unreadable()));
        }
    }

    private void Restore(HistoryOp op)
    {
        if (Run.State.CurrentPlan is not { ResumeFrom: { } planned } plan)
        {
            return;
        }

        for (var rank = 0; rank < 1 + op.C; rank++)
        {
            var failed = op.B < 3;
            Send(WithAttempt(op with { A = op.A / 2 }, attempt => new RecordRestore(new RestoreReport
            {
                Attempt = attempt,
                Rank = new Rank((rank + op.A) % 3),
                Node = "node-0",
                Checkpoint = planned,
                Plan = plan.Number,
                Succeeded = !failed,
                NoSourceLeft = failed ? true : null,
                LocalMemoryBytes = 1,
                PeerMemoryBytes = 0,
                StorageBytes = 0,
                RestoreMs = 1,
                Faults = failed ? [RunDriver.Fault("no copy", CopyFaultKind.Missing)] : [],
            })));
        }
    }

    // To what can be gone back to, on any lineage, and to what cannot.
    private void RollBack(HistoryOp op)
    {
        var known = Run.State.Checkpoints.Records.Select(record => record.Checkpoint)
            .Concat(Run.State.Snapshots.Records.Select(record => record.Checkpoint)).Distinct().Order().ToList();
        var to = known.Count == 0 || op.B == 0 ? RollbackTargets.Latest
            : op.B == 1 ? RollbackTargets.KnownGood
            : op.C == 1 ? known[op.A % known.Count].Step.ToString()
            : known[op.A % known.Count].ToString();
        var before = RunDriver.BytesOf(Run.State);
        var decision = Send(new RollBack(new RequestRollback { To = to, By = "ann", DryRun = op.C == 2 && op.A > 5 }));
        if (decision.Refusal is not null || decision.Answer!.Number == 0)
        {
            Assert.Empty(decision.Events);
            Assert.Equal(before, RunDriver.BytesOf(Run.State));
        }
    }

    private void Crash(HistoryOp op)
    {
        CheckReplay();
        Run.Crash();
        if (op.C == 1)
        {
            _saved = (RunDriver.BytesOf(Run.State), Run.Journal.Count);
        }

        // The next decision is cut short: only some of its events reach the journal.
        Run.KeepEvents = op.C == 2 ? op.A % 2 : null;
    }

    private void Sweep()
    {
        var kept = Run.KeepEvents ?? int.MaxValue;
        if (Send(new CondemnFencedSaves()).Events.Count > kept || Run.State.CurrentAttempt is not { } current)
        {
            return; // the service died before it was durable: it deletes nothing
        }

        foreach (var id in Enumerable.Range(1, current.Value).SelectMany(
            attempt => Enumerable.Range(1, MaxStep).Select(step => RunDriver.Id(step, attempt))))
        {
            if (Run.State.StandingOf(id) is SaveStanding.Abandoned or SaveStanding.Condemned)
            {
                Swept.Add(id);
            }
        }
    }

    // Mostly the current attempt; sometimes an older or a future one.
    private RunCommand<T> WithAttempt<T>(HistoryOp op, Func<Attempt, RunCommand<T>> command)
        where T : class
    {
        Run.AttemptOrFirst = Run.State.CurrentAttempt ?? new Attempt(1);
        var attempt = op.A == 3 ? Math.Max(1, Run.AttemptOrFirst.Value - 1 + (op.B % 3)) : Run.AttemptOrFirst.Value;
        return command(new Attempt(attempt));
    }

    private Decision<T> Send<T>(RunCommand<T> command)
        where T : class
    {
        _sent.Add(() => Deliver(command));
        return Deliver(command);
    }

    private Decision<T> Deliver<T>(RunCommand<T> command)
        where T : class
    {
        var current = Run.State.Rollbacks.Pending is null ? Run.State.CurrentAttempt : null;
        Attempt? writer = command switch
        {
            RecordSteps steps => steps.Body.Attempt,
            RecordSnapshot snapshot => snapshot.Body.Attempt,
            RecordShard shard => shard.Body.Attempt,
            RecordRestore restore => restore.Body.Attempt,
            _ => null,
        };
        var before = writer is not null && writer != current ? RunDriver.BytesOf(Run.State) : null;
        var kept = Run.KeepEvents ?? int.MaxValue;
        var decision = Run.Send(command);
        Run.KeepEvents = null;
        foreach (var replanned in decision.Events.OfType<AttemptReplanned>())
        {
            _ = Replaced.Add((replanned.Attempt, replanned.Failed));
        }

        if (before is not null)
        {
            // Invariant 4: a fenced-out attempt changes nothing visible.
            Assert.Contains(decision.Refusal!.Code, new[] { ErrorCode.StaleAttempt, ErrorCode.NotFound });
            Assert.Empty(decision.Events);
            Assert.Equal(before, RunDriver.BytesOf(Run.State));
        }

        if (decision.Events.Count <= kept && decision.Refusal is null)
        {
            Remember(command);
        }

        return decision;
    }

    private void Remember<T>(RunCommand<T> command)
        where T : class
    {
        switch (command)
        {
            case RecordShard shard:
                Shards.Add(shard.Body);
                break;
            case CompleteCommit commit:
                Committed.Add(commit.Checkpoint);
                break;
            case RollBack { Body.DryRun: false } when Run.State.Rollbacks.Kept[^1] is var decided && !Rollbacks.Exists(known => known.Number == decided.Number):
                Rollbacks.Add(decided);
                break;
            case RecordSnapshot { Body: { Outcome: SnapshotOutcome.Sealed } body }:
                Seals.Add(body);
                Run.Hold(body.Rank.Value, new CheckpointId(body.Step, body.Attempt), body.Image!);
                break;
        }
    }

    private long NextStep(int b) => (Run.State.Attempts.Current?.ResumedFrom?.Step.Value ?? 0) + 1 + b;
}
