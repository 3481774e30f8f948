using Checkpointer.Agent.Arenas;
using Checkpointer.Agent.Tests.Arenas;
using Checkpointer.Contracts.Replicas;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.TestKit.Interleaving;

namespace Checkpointer.Agent.Tests.Interleaving;

/// <summary>
/// A trainer that saves and discards, its images hashed, drained, read, copied, globally sealed and given up, attempts that
/// follow each other, agents that die and adopt: in any order. The release rule and the leases hold after every step.
/// </summary>
public sealed class SlotInterleavingTests
{
    private const int Saves = 8;
    private const int MaxSteps = 3_000;

    [Fact]
    public void AnyOrder_KeepsWhatIsGloballySealedAndWhatIsRead()
    {
        var (steps, lives, sealedSteps) = (0, 0, 0);
        Interleavings.Explore(200, schedule =>
        {
            var world = new SlotWorld(schedule);
            using (world)
            {
                world.Register(1);
                var play = new Play(schedule, world);
                schedule.Start("trainer", play.Train());
                schedule.Start("hashing", play.Hash(), background: true);
                schedule.Start("draining", play.Drain(), background: true);
                schedule.Start("reader", play.Read(), background: true);
                schedule.Start("peer", play.Copy(), background: true);
                schedule.Start("service", play.Say(), background: true);
                schedule.Start("death", play.Die(), background: true);
                schedule.Run(MaxSteps, world.Check);
            }

            Assert.Equal((0L, 0), world.Left);
            steps += schedule.Steps;
            lives += world.Life;
            sealedSteps += world.GloballySealed is null ? 0 : 1;
        });
        TestContext.Current.TestOutputHelper?.WriteLine($"{steps} steps, {lives} processes, {sealedSteps} schedules with a step of all");
        Assert.True(Environment.GetEnvironmentVariable(Interleavings.SeedVariable) is not null || sealedSteps > 100, $"{sealedSteps}");
    }

    private sealed class Play(Schedule schedule, SlotWorld world)
    {
        private int _attempt = 1;
        private CheckpointId? _resumedFrom;

        public IEnumerable<Func<bool>?> Train()
        {
            for (var step = 1; step <= Saves; step++)
            {
                // It trains meanwhile.
                for (var left = schedule.Next(40); left > 0; left--)
                {
                    yield return null;
                }

                var (life, attempt) = (world.Life, _attempt);
                var id = TestImage.Id(step, attempt);
                if (!TryBegin(id))
                {
                    continue;
                }

                yield return null;
                if (life != world.Life || attempt != _attempt)
                {
                    continue;
                }

                if (schedule.OneIn(8))
                {
                    Call(() => world.Pool.Discard(id));
                    continue;
                }

                Call(() => Engine.Seal(world.Pool, step, attempt));
            }
        }

        public IEnumerable<Func<bool>?> Hash()
        {
            while (true)
            {
                yield return () => world.Seals.Waiting.TryPeek(out _);
                var life = world.Life;
                if (!world.Seals.Waiting.TryRead(out var next) || !next.Pool.TryStartHashing(next.Slot))
                {
                    continue;
                }

                world.Hashing = next.Slot;
                yield return null;
                if (life != world.Life)
                {
                    continue;
                }

                var seal = world.Seals.HashAsync(next.Slot, CancellationToken.None).GetAwaiter().GetResult();
                yield return null;
                if (life != world.Life)
                {
                    continue;
                }

                next.Pool.CompleteSeal(next.Slot, seal);
                world.Hashing = null;
                next.Pool.EndUse(next.Slot);
            }
        }

        public IEnumerable<Func<bool>?> Drain()
        {
            while (true)
            {
                yield return () => world.Drains.Waiting.TryPeek(out _);
                var life = world.Life;
                if (!world.Drains.Waiting.TryRead(out var job))
                {
                    continue;
                }

                world.Keep(job.Lease);
                for (var left = 1 + schedule.Next(12); left > 0; left--)
                {
                    job.Pool.MarkDrain(job.Lease.Slot, waits: schedule.OneIn(2));
                    yield return null;
                    if (life != world.Life || job.GivenUp.IsCancellationRequested)
                    {
                        break;
                    }

                    SlotWorld.Verify(job.Lease);
                }

                if (life == world.Life)
                {
                    if (!job.GivenUp.IsCancellationRequested)
                    {
                        var isDurable = !schedule.OneIn(6);
                        job.Pool.EndDrain(
                            job.Lease.Slot, isDurable ? DrainState.Durable : DrainState.GivenUp, isDurable ? default : ErrorCode.CheckpointConflict, "refused");
                    }

                    world.End(job.Lease);
                }
            }
        }

        public IEnumerable<Func<bool>?> Read()
        {
            while (true)
            {
                yield return () => world.Pool.Holdings.Count > 0;
                var life = world.Life;
                var held = world.Pool.Holdings;
                if (held.Count == 0 || world.Pool.TryLease(held[schedule.Next(held.Count)].Checkpoint) is not { } lease)
                {
                    continue;
                }

                world.Keep(lease);
                for (var left = schedule.Next(15); left > 0 && life == world.Life; left--)
                {
                    yield return null;
                }

                if (life == world.Life)
                {
                    SlotWorld.Verify(lease);
                    world.End(lease);
                }
            }
        }

        public IEnumerable<Func<bool>?> Copy()
        {
            while (true)
            {
                yield return null;
                if (world.Pool.NextCopy is not { } next || !world.Pool.BeginCopy(next.Checkpoint))
                {
                    continue;
                }

                for (var left = schedule.Next(10); left > 0 && world.Pool.IsCopying(next.Checkpoint); left--)
                {
                    yield return null;
                }

                world.Pool.EndCopy(next.Checkpoint, copied: !schedule.OneIn(3));
            }
        }

        public IEnumerable<Func<bool>?> Say()
        {
            while (true)
            {
                yield return null;
                if (schedule.OneIn(4))
                {
                    world.Said = null;
                    continue;
                }

                if (schedule.OneIn(25))
                {
                    // The world restarts: the trainer of the old attempt is fenced out.
                    _attempt++;
                    _resumedFrom = world.GloballySealed;
                    Tell();
                    world.Register(_attempt);
                    continue;
                }

                // A step is of all ranks some time after this one's report has arrived.
                var candidates = world.Reported(_attempt);
                if (candidates.Count > 0 && schedule.OneIn(2))
                {
                    var next = candidates[schedule.Next(candidates.Count)];
                    world.Hear(next);
                    for (var left = schedule.Next(6); left > 0; left--)
                    {
                        yield return null;
                    }

                    world.GloballySealed = next;
                }

                Tell();
            }
        }

        public IEnumerable<Func<bool>?> Die()
        {
            for (var deaths = 0; deaths < 2; deaths++)
            {
                for (var wait = 10 + schedule.Next(60); wait > 0; wait--)
                {
                    yield return null;
                }

                world.Die(_attempt);
            }
        }

        private void Tell()
        {
            var progress = Engine.Progress(_attempt, world.GloballySealed, _resumedFrom) with
            {
                Peer = new ReplicaPeer { Node = "n2", Address = "http://n2:1" },
            };
            world.Said = progress;
            world.Observe(progress);
        }

        private bool TryBegin(CheckpointId id)
        {
            var location = Call(() => world.Pool.BeginAsync(
                new()
                {
                    Attempt = id.Attempt,
                    Step = id.Step,
                    Layout = SlotWorld.Layout.Digest,
                    Durable = schedule.OneIn(2),
                },
                CancellationToken.None).GetAwaiter().GetResult());
            if (location is not null)
            {
                Engine.Write(location, SlotWorld.ImageOf(id));
            }

            return location is not null;
        }

        private static T? Call<T>(Func<T> call)
            where T : class
        {
            try
            {
                return call();
            }
            catch (CheckpointerException e) when (e.Code is ErrorCode.SlotBusy or ErrorCode.StaleAttempt or ErrorCode.SnapshotNotOpen
                or ErrorCode.StepOutOfOrder or ErrorCode.CheckpointConflict)
            {
                return null;
            }
        }
    }
}
