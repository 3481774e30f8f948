using Checkpointer.Simulation.Processes;
using Checkpointer.Simulation.Storing;
using Checkpointer.Simulation.Trainers;

namespace Checkpointer.Simulation.Faults;

/// <summary>Makes the planned faults happen, and ends those that last.</summary>
internal sealed class FaultDriver
{
    private readonly World _world;
    private readonly Queue<PlannedFault> _next;
    private readonly MemoryFlips _memory;
    private bool _healed;

    public FaultDriver(World world, SeedOptions options)
    {
        _world = world;
        var plan = FaultPlan.Draw(options);
        Planned = plan.Count;
        _next = new Queue<PlannedFault>(plan);
        _memory = new MemoryFlips(world);
    }

    /// <summary>How many there are in all.</summary>
    public int Planned { get; }

    /// <summary>Whether bytes were damaged in more places than one copy can make good.</summary>
    public bool Damaged { get; private set; }

    /// <summary>Makes happen what is due.</summary>
    public void Advance()
    {
        while (!_healed && _next.TryPeek(out var fault) && fault.AtEvent <= _world.Scheduler.Events)
        {
            _ = _next.Dequeue();
            if (Happen(fault.Kind, new Random(fault.Seed)))
            {
                _world.Count($"fault {fault.Kind}");
                _world.Scheduler.Trace.Add(_world.Scheduler.NowTicks, $"FAULT {fault.Kind}");
            }
        }
    }

    /// <summary>Everything is well again, and stays so.</summary>
    public void Heal()
    {
        _healed = true;
        _world.Network.Links.MendAll();
        (_world.Network.Links.Loss, _world.Network.Links.Delays, _world.Network.Links.Repeats, _world.Network.Links.BrokenAnswers) = (0, 0, 0, 0);
        _world.BucketFaults.Clear();
        _world.Bucket.Mend();
        _world.Launcher.Zombies.ForEach(zombie => zombie.Process.Kill());
        _world.Launcher.Ranks.ForEach(rank => rank.Slowness = 1);
        foreach (var node in _world.Nodes)
        {
            node.Return();
            node.Start();
        }

        _world.StartService();
    }

    private bool Happen(string kind, Random random) => kind switch
    {
        FaultKinds.AgentCrash => CrashAgent(random),
        FaultKinds.ServiceCrash => CrashService(random),
        FaultKinds.RankCrash => CrashRank(random),
        FaultKinds.NodeLoss => LoseNode(random),
        FaultKinds.TwoNodesLost => LoseNode(random) & LoseNode(random),
        FaultKinds.Partition => Cut(random),
        FaultKinds.MessageLoss => Set(random, 10, on => _world.Network.Links.Loss = on ? 0.02 + (random.NextDouble() * 0.2) : 0),
        FaultKinds.MessageDelay => Set(random, 10, on => _world.Network.Links.Delays = on ? 0.02 + (random.NextDouble() * 0.2) : 0),
        FaultKinds.MessageRepeat => Set(random, 20, on => _world.Network.Links.Repeats = on ? 0.3 : 0),
        FaultKinds.BrokenAnswers => Set(random, 10, on => _world.Network.Links.BrokenAnswers = on ? 0.2 : 0),
        FaultKinds.StoreErrors => Set(random, 15, on => _world.BucketFaults.Errors = on ? 0.1 + (random.NextDouble() * 0.5) : 0),
        FaultKinds.StoreThrottled => Set(random, 15, on => _world.BucketFaults.Throttled = on ? 0.1 + (random.NextDouble() * 0.5) : 0),
        FaultKinds.StoreHangs => Set(random, 10, on => _world.BucketFaults.Hangs = on ? 0.05 + (random.NextDouble() * 0.2) : 0),
        FaultKinds.StoreLostAnswers => Set(random, 15, on => _world.BucketFaults.LostAnswers = on ? 0.1 + (random.NextDouble() * 0.5) : 0),
        FaultKinds.StoreFull => Set(random, 10, on => _world.BucketFaults.Full = on),
        FaultKinds.StoreAway => Set(random, 20, on => _world.BucketFaults.Away = on),
        FaultKinds.StoreSlow => Set(random, 20, on => _world.BucketFaults.Slowness = on ? 10 + (random.NextDouble() * 60) : 1),
        FaultKinds.ReadFlips => Set(random, 15, on => _world.BucketFaults.FlippedReads = on ? 0.02 + (random.NextDouble() * 0.1) : 0),
        FaultKinds.StoredRot => Rot(random),
        FaultKinds.MemoryFlip => FlipMemory(random),
        FaultKinds.ClockJump => JumpClock(random),
        FaultKinds.SlowRank => SlowRank(random),
        FaultKinds.Zombie => LeaveZombie(random),
        _ => RollBack(random),
    };

    private static T? Choose<T>(Random random, IReadOnlyList<T> from)
        where T : class => from.Count == 0 ? null : from[random.Next(from.Count)];

    private static TimeSpan Seconds(Random random, double most) => TimeSpan.FromSeconds(0.1 + (random.NextDouble() * most));

    private void Later(TimeSpan delay, string what, Action end) => _ = _world.Scheduler.Schedule(delay, what, () =>
    {
        if (!_healed)
        {
            end();
        }
    });

    private bool Set(Random random, double mostSeconds, Action<bool> turn)
    {
        turn(true);
        Later(Seconds(random, mostSeconds), "fault ends", () => turn(false));
        return true;
    }

    /// <summary>Often a restore follows soon, which must not take what was flipped for good.</summary>
    private bool FlipMemory(Random random)
    {
        if (!Damage(_memory.Flip(random)))
        {
            return false;
        }

        if (random.Next(2) == 0)
        {
            Later(Seconds(random, 1), "a rank dies", () => CrashRank(random));
        }

        return true;
    }

    private bool Damage(bool happened)
    {
        Damaged |= happened;
        return happened;
    }

    private bool CrashAgent(Random random)
    {
        if (Choose(random, [.. _world.Nodes.Where(node => node is { IsUp: true, Agent.Process.Alive: true })]) is not { } node)
        {
            return false;
        }

        node.Agent!.Process.Kill();
        Later(Seconds(random, 5), $"restart agent of {node.Name}", node.Start);
        return true;
    }

    private bool CrashService(Random random)
    {
        if (_world.Service is not { Process.Alive: true } service)
        {
            return false;
        }

        _ = CrashAsync(service, random);
        return true;
    }

    /// <summary>Mostly while something is written and not durable yet: that is when a kill can take something back.</summary>
    private async Task CrashAsync(ServiceProcess service, Random random)
    {
        if (random.Next(4) > 0)
        {
            await _world.WhenAsync(() => _healed || !service.Process.Alive || _world.Journal.LastSequence > _world.Journal.Durable)
                .ConfigureAwait(false);
        }

        if (!_healed)
        {
            service.Process.Kill();
            Later(Seconds(random, 5), "restart service", _world.StartService);
        }
    }

    private bool CrashRank(Random random)
    {
        var rank = Choose(random, [.. _world.Launcher.Ranks.Where(rank => rank.Process.Alive)]);
        rank?.Process.Kill();
        return rank is not null;
    }

    private bool LoseNode(Random random)
    {
        if (Choose(random, [.. _world.Nodes.Where(node => node.IsUp)]) is not { } node)
        {
            return false;
        }

        Damaged |= _world.Nodes.Count(other => other is { IsUp: true, Losses: 0 }) <= 2;
        foreach (var rank in _world.Launcher.Ranks.Concat(_world.Launcher.Zombies).Where(rank => rank.Node == node).ToList())
        {
            rank.Process.Kill(silently: true);
        }

        node.Lose();
        Later(TimeSpan.FromSeconds(5 + (random.NextDouble() * 30)), $"{node.Name} comes back", () =>
        {
            node.Return();
            node.Start();
        });
        return true;
    }

    private bool Cut(Random random)
    {
        List<string> places = [World.ServiceNode, SimulatedObjectStore.Node, .. _world.Nodes.Select(node => node.Name)];
        var a = places[random.Next(places.Count)];
        _ = places.Remove(a);
        var b = places[random.Next(places.Count)];
        _world.Network.Links.Cut(a, b);
        Later(Seconds(random, 15), $"{a} and {b} see each other again", () => _world.Network.Links.Mend(a, b));
        return true;
    }

    private bool Rot(Random random)
    {
        var keys = _world.Bucket.Objects.Select(pair => pair.Key).Where(key => key.StartsWith("runs/", StringComparison.Ordinal)).ToList();
        if (keys.Count == 0)
        {
            return false;
        }

        var key = keys[random.Next(keys.Count)];
        var bytes = _world.Bucket.Find(key)!.Bytes.Length;
        _world.Bucket.Rot(key, random.Next(8 * bytes));
        return Damage(true);
    }

    private bool JumpClock(Random random)
    {
        List<Scheduling.SimulatedProcess?> processes = [_world.Service?.Process, .. _world.Nodes.Select(node => node.Agent?.Process)];
        if (Choose(random, [.. processes.OfType<Scheduling.SimulatedProcess>().Where(process => process.Alive)]) is not { } process)
        {
            return false;
        }

        process.Time.Offset += TimeSpan.FromSeconds((random.NextDouble() - 0.5) * (random.Next(2) == 0 ? 20 : 7200));
        return true;
    }

    private bool SlowRank(Random random)
    {
        if (Choose(random, [.. _world.Launcher.Ranks.Where(rank => rank.Process.Alive)]) is not { } rank)
        {
            return false;
        }

        rank.Slowness = 3 + (random.NextDouble() * 15);
        Later(Seconds(random, 15), $"{rank.Process.Name} is as fast as before", () => rank.Slowness = 1);
        return true;
    }

    private bool LeaveZombie(Random random)
    {
        _world.Launcher.NextZombies = 1 + random.Next(2);
        return CrashRank(random);
    }

    private bool RollBack(Random random)
    {
        if (_world.Service is not { Process.Alive: true, IsUp: true })
        {
            return false;
        }

        _ = new RollbackOperator(_world).DecideAsync(random);
        return true;
    }
}
