using Checkpointer.Cli.Local;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Cli.Demo;

/// <summary>The failure that the demo causes, at a moment drawn from the seed.</summary>
internal sealed class Failure(DemoOptions options, LocalCluster cluster, TimeProvider time)
{
    private readonly Random _random = new(options.Seed);

    /// <summary>Draws the step after which it strikes: somewhere in the middle half of the run.</summary>
    public Step DrawStep() => new(_random.Next(options.Steps / 4, Math.Max((options.Steps / 4) + 1, options.Steps * 3 / 4)));

    /// <summary>Waits a part of a step, so that it strikes anywhere within one.</summary>
    public Task DrawMomentAsync(CancellationToken cancellationToken) =>
        Task.Delay(TimeSpan.FromMilliseconds(_random.Next(0, 300)), time, cancellationToken);

    /// <summary>Kills; returns who died. What a supervisor would start again (agent, service) it starts again a second later.</summary>
    public async Task<string> StrikeAsync(DemoConsole console, CancellationToken cancellationToken)
    {
        var running = cluster.Nodes.Where(node => node.RankPids().Count > 0).ToList();
        var node = running[_random.Next(running.Count)];
        switch (options.Kill)
        {
            case KillTarget.Node:
                var ranks = string.Join(" and ", node.RankPids().Keys);
                var killed = await node.KillAsync().ConfigureAwait(false);
                return $"{node.Name} with ranks {ranks} ({killed} processes, its memory gone)";

            case KillTarget.Rank:
                var victims = node.RankPids().ToList();
                var (rank, pid) = victims[_random.Next(victims.Count)];
                ProcessTree.KillOne(pid);
                return $"rank {rank} on {node.Name}";

            case KillTarget.Agent:
                await node.KillAgentAsync().ConfigureAwait(false);
                console.Bad($"kill -9: the agent of {node.Name}");
                await Task.Delay(TimeSpan.FromSeconds(1), time, cancellationToken).ConfigureAwait(false);
                await node.StartAgentAsync(time, cancellationToken).ConfigureAwait(false);
                console.Good($"the agent of {node.Name} is back and has adopted its arenas");
                return $"the agent of {node.Name}";

            case KillTarget.Service:
                await cluster.KillServiceAsync().ConfigureAwait(false);
                console.Bad("kill -9: the service");
                await Task.Delay(TimeSpan.FromSeconds(1), time, cancellationToken).ConfigureAwait(false);
                await cluster.StartServiceAsync(cancellationToken).ConfigureAwait(false);
                console.Good("the service is back and has replayed its journal");
                return "the service";

            default:
                throw new InvalidOperationException($"No such target: {options.Kill}.");
        }
    }
}
