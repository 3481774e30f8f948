using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs.Commands;
using Checkpointer.Service.Tests.Runs;
using Checkpointer.TestKit.Interleaving;

namespace Checkpointer.Service.Tests.Interleaving;

/// <summary>
/// Two incarnations of a world of two that join, report, seal and store, while checkpoints are committed and abandoned, an
/// operator goes back, a sweep condemns, the journal saves itself, commits in groups, fails and dies: in thousands of orders.
/// </summary>
public sealed class RunHostInterleavingTests
{
    private const int World = 2;
    private const int Steps = 3;
    private const int MaxDeaths = 3;
    private const int MaxSteps = 3_000;
    private const int Refused = -1;

    private static readonly RunDriver Messages = new();

    private static CancellationToken Cancel => CancellationToken.None;

    [Fact]
    public void AnyOrder_AnswersOnlyWhatIsDurable_AndLosesNothing()
    {
        var deaths = 0;
        var steps = 0;
        Interleavings.Explore(2_000, schedule =>
        {
            using var world = new HostWorld(schedule);
            var joined = new Dictionary<string, HashSet<int>> { ["one"] = [], ["two"] = [] };
            schedule.Start("launcher", Launch(schedule, world, joined));
            schedule.Start("committer", Commit(schedule, world), background: true);
            schedule.Start("deadlines", PassDeadlines(schedule, world), background: true);
            schedule.Start("sweeper", Sweep(world), background: true);
            schedule.Start("saver", Save(world), background: true);
            schedule.Start("journal", Write(schedule, world), background: true);
            schedule.Start("death", Die(schedule, world), background: true);
            schedule.Start("operator", GoBack(schedule, world));
            schedule.Run(MaxSteps, world.Check);
            if (!world.Journal.HasFailed)
            {
                world.CheckFold();
            }

            deaths += world.Deaths;
            steps += schedule.Steps;
        });
        TestContext.Current.TestOutputHelper?.WriteLine($"{steps} steps, {deaths} deaths of the service");
        Assert.True(Environment.GetEnvironmentVariable(Interleavings.SeedVariable) is not null || deaths > 500, $"only {deaths} deaths");
    }

    private static IEnumerable<Func<bool>?> Launch(Schedule schedule, HostWorld world, Dictionary<string, HashSet<int>> joined)
    {
        foreach (var incarnation in joined.Keys)
        {
            for (var rank = 0; rank < World; rank++)
            {
                schedule.Start($"{incarnation}/{rank}", Train(world, incarnation, rank, joined[incarnation]));
            }

            for (var wait = schedule.Next(60); wait > 0; wait--)
            {
                yield return null;
            }
        }
    }

    private static IEnumerable<Func<bool>?> Train(HostWorld world, string incarnation, int rank, HashSet<int> joined)
    {
        JoinResult? result = null;
        var over = false;
        while (result?.State != JoinState.Granted)
        {
            foreach (var wait in world.Ask(
                host => host.TakeAsync(RunDriver.Run, RunDriver.JoinOf(incarnation, rank, World), Cancel), got => result = got, _ => over = true))
            {
                yield return wait;
            }

            joined.Add(over ? Refused : rank);
            if (over)
            {
                yield break;
            }

            // Alone it waits for the other, which may be refused: then it asks again and is refused too.
            yield return joined.Count < World ? () => joined.Count >= World : null;
        }

        var attempt = result.Attempt!.Value;
        world.Granted(incarnation, attempt);
        var first = (result.Plan!.ResumeFrom?.Step.Value ?? 0) + 1;
        for (var step = first; step < first + Steps && !over; step++)
        {
            foreach (var wait in Save(world, attempt, step, rank, () => over = true))
            {
                yield return wait;
            }
        }
    }

    private static IEnumerable<Func<bool>?> Save(HostWorld world, Attempt attempt, long step, int rank, Action fenced)
    {
        var over = false;
        void Refused(CheckpointerException refusal)
        {
            over |= refusal.Code == ErrorCode.StaleAttempt;
            Assert.Contains(refusal.Code, new[] { ErrorCode.StaleAttempt, ErrorCode.CheckpointConflict, ErrorCode.StepOutOfOrder });
        }

        var id = new CheckpointId(new Step(step), attempt);
        IEnumerable<Func<bool>?>[] calls =
        [
            rank > 0 ? [] : world.Ask(
                host => host.TakeAsync(RunDriver.Run, new RecordSteps(new ReportSteps { Attempt = attempt, Reports = [RunDriver.StepOf(step)] }), Cancel),
                _ => world.Reported(attempt, new Step(step)),
                Refused),
            world.Ask(
                host => host.TakeAsync(RunDriver.Run, new RecordSnapshot(Messages.SealOf(step, rank).Body with { Attempt = attempt }), Cancel),
                _ => { },
                Refused),
            world.Ask(
                host => host.TakeAsync(RunDriver.Run, Messages.ShardOf(id, rank), Cancel), _ => world.Stored(id, new Rank(rank)), Refused),
        ];
        foreach (var wait in calls.SelectMany(call => call))
        {
            if (over)
            {
                break;
            }

            yield return wait;
        }

        if (over)
        {
            fenced();
        }
    }

    private static IEnumerable<Func<bool>?> Commit(Schedule schedule, HostWorld world)
    {
        while (true)
        {
            IReadOnlyList<CheckpointId> pending = [];
            foreach (var wait in world.Ask(host => host.TryReadAsync(RunDriver.Run, state => state.PendingCommits, Cancel), got => pending = got.Value ?? []))
            {
                yield return wait;
            }

            foreach (var checkpoint in pending)
            {
                var rejected = schedule.OneIn(8);
                foreach (var wait in world.Ask(
                    host => rejected
                        ? host.ExecuteAsync(RunDriver.Run, new RejectCommit(checkpoint, "holes", []), Cancel)
                        : host.ExecuteAsync(RunDriver.Run, new CompleteCommit(checkpoint), Cancel),
                    _ =>
                    {
                        if (!rejected)
                        {
                            world.Committed(checkpoint);
                        }
                    }))
                {
                    yield return wait;
                }
            }

            yield return null;
        }
    }

    private static IEnumerable<Func<bool>?> PassDeadlines(Schedule schedule, HostWorld world)
    {
        while (true)
        {
            IReadOnlyList<Service.Runs.PendingDeadline> pending = [];
            foreach (var wait in world.Ask(host => host.TryReadAsync(RunDriver.Run, state => state.PendingDeadlines, Cancel), got => pending = got.Value ?? []))
            {
                yield return wait;
            }

            if (pending.Count > 0 && schedule.OneIn(6))
            {
                var deadline = pending[0];
                if (deadline.At > world.Time.GetUtcNow())
                {
                    world.Time.SetUtcNow(deadline.At);
                }

                foreach (var wait in world.Ask(host => host.ExecuteAsync(RunDriver.Run, new PassDeadline(deadline.Checkpoint), Cancel), _ => { }))
                {
                    yield return wait;
                }
            }

            yield return null;
        }
    }

    private static IEnumerable<Func<bool>?> GoBack(Schedule schedule, HostWorld world)
    {
        for (var wait = schedule.Next(80); wait > 0; wait--)
        {
            yield return null;
        }

        var body = new RequestRollback { To = "latest", By = "operator" };
        foreach (var wait in world.Ask(
            host => host.TakeAsync(RunDriver.Run, new RollBack(body), Cancel), world.RolledBack, _ => { }))
        {
            yield return wait;
        }
    }

    private static IEnumerable<Func<bool>?> Sweep(HostWorld world)
    {
        while (true)
        {
            foreach (var wait in world.Ask(host => host.ExecuteAsync(RunDriver.Run, new CondemnFencedSaves(), Cancel), _ => { }))
            {
                yield return wait;
            }

            yield return null;
        }
    }

    private static IEnumerable<Func<bool>?> Save(HostWorld world)
    {
        while (true)
        {
            var (host, journal) = (world.Host, world.Journal);
            if (!journal.HasFailed && journal.LastSequence > world.SavedUpTo + 3)
            {
                world.SavedUpTo = journal.LastSequence;
                var saved = host.SaveSnapshotAsync(Cancel);
                yield return () => saved.IsCompleted || host != world.Host;
            }

            yield return null;
        }
    }

    private static IEnumerable<Func<bool>?> Write(Schedule schedule, HostWorld world)
    {
        while (true)
        {
            var journal = world.Journal;
            if (!journal.HasFailed && journal.LastSequence > journal.Durable)
            {
                var isOver = world.Deaths >= MaxDeaths;
                if (!isOver && schedule.OneIn(40))
                {
                    journal.Break();
                }
                else if (!isOver && schedule.OneIn(60))
                {
                    journal.FailsNextAppend = true;
                }
                else
                {
                    journal.Commit(journal.Durable + 1 + schedule.Next((int)(journal.LastSequence - journal.Durable)));
                }
            }

            yield return null;
        }
    }

    private static IEnumerable<Func<bool>?> Die(Schedule schedule, HostWorld world)
    {
        while (true)
        {
            if (world.Journal.HasFailed || (world.Deaths < MaxDeaths && schedule.OneIn(60)))
            {
                world.Die();
            }

            yield return null;
        }
    }
}
