using Checkpointer.Cli;

namespace Checkpointer.Chaos.Strikes;

/// <summary>Draws strikes: the same for the same seed, spread evenly over targets and phases however few they are.</summary>
internal static class StrikeDraw
{
    // Most are kills; a stop of a rank or a node takes ten seconds until somebody knows of it.
    private static readonly (Force Force, double Share)[] Shares =
        [(Force.Kill, 0.68), (Force.Stop, 0.14), (Force.Flip, 0.12), (Force.Cut, 0.06)];

    private static readonly Target[] Processes =
        [Target.Rank, Target.Agent, Target.Service, Target.Node, Target.TwoNodes, Target.Spare];

    /// <summary>
    /// <paramref name="count"/> strikes, only such as have <paramref name="only"/> in their text; a network is a target only if
    /// there is one.
    /// </summary>
    public static IReadOnlyList<Strike> Draw(int count, int seed, bool withNetwork, string? only)
    {
        var random = new Random(seed);
        if (only is not null)
        {
            var few = All.Where(strike => strike.ToString().Contains(only, StringComparison.Ordinal)).ToArray();
            return few.Length == 0 ? throw new CliException($"No strike is like '{only}'.", ExitCode.Usage) : random.GetItems(few, count);
        }

        var pool = All.Where(strike => withNetwork || strike.Target != Target.Network).ToArray();
        random.Shuffle(pool);
        var targets = new Dictionary<Target, int>();
        var phases = new Dictionary<Phase, int>();
        var used = new Dictionary<Strike, int>();
        var drawn = new List<Strike>();
        foreach (var force in Forces(count, random, withNetwork))
        {
            var next = pool.Where(strike => strike.Force == force)
                .MinBy(strike => Count(targets, strike.Target) + Count(phases, strike.Phase) + (2 * count * Count(used, strike)))!;
            targets[next.Target] = Count(targets, next.Target) + 1;
            phases[next.Phase] = Count(phases, next.Phase) + 1;
            used[next] = Count(used, next) + 1;
            drawn.Add(next);
        }

        return drawn;
    }

    /// <summary>Strikes that torchrun gets over by itself; every fourth takes a node, the last of those that one job stands.</summary>
    public static IReadOnlyList<Strike> DrawForTorchrun(int count, int seed)
    {
        var random = new Random(seed);
        Phase[] phases = [Phase.Capture, Phase.Seal, Phase.Replication, Phase.Drain, Phase.Commit];
        Target[] targets = [Target.Rank, Target.Agent, Target.Service, Target.Node];
        random.Shuffle(phases);
        return [.. Enumerable.Range(0, count).Select(i => new Strike(targets[i % targets.Length], Force.Kill, phases[i % phases.Length]))];
    }

    private static IEnumerable<Strike> All =>
    [
        .. from target in Processes
           from force in new[] { Force.Kill, Force.Stop }
           from phase in Enum.GetValues<Phase>()
           select new Strike(target, force, phase),
        new(Target.Network, Force.Cut, Phase.Replication),
        new(Target.Network, Force.Cut, Phase.Restore),
        new(Target.Arena, Force.Flip, Phase.Recovery),
        new(Target.PeerCopy, Force.Flip, Phase.Recovery),
        new(Target.Pack, Force.Flip, Phase.Recovery),
        new(Target.Index, Force.Flip, Phase.Recovery),
    ];

    private static List<Force> Forces(int count, Random random, bool withNetwork)
    {
        var forces = new List<Force>();
        foreach (var (force, share) in Shares.Where(part => withNetwork || part.Force != Force.Cut).Skip(1))
        {
            forces.AddRange(Enumerable.Repeat(force, (int)Math.Ceiling(share * count)));
        }

        forces = [.. forces.Take(count / 2)];
        forces.AddRange(Enumerable.Repeat(Force.Kill, count - forces.Count));
        var shuffled = forces.ToArray();
        random.Shuffle(shuffled);
        return [.. shuffled];
    }

    private static int Count<T>(Dictionary<T, int> counts, T key)
        where T : notnull => counts.GetValueOrDefault(key);
}
