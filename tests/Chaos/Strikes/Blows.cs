using System.Globalization;
using Checkpointer.Chaos.Announcing;
using Checkpointer.Chaos.Jobs;
using Checkpointer.Chaos.Worlds;
using Checkpointer.Cli;
using Checkpointer.Cli.Demo;
using Checkpointer.Contracts.Runs;
using Checkpointer.Storage;

namespace Checkpointer.Chaos.Strikes;

/// <summary>The blows themselves. Each says whom it hit, after having seen that it did, or throws.</summary>
internal sealed class Blows(ChaosWorld world, IJob job, Random random, DemoConsole console)
{
    // What a scheduler gives a job that stands still and of which nobody says why.
    private static readonly TimeSpan HangNoticedWithin = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan FlipNoticedWithin = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan ZombiesEndWithin = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan ShortestPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PauseRange = TimeSpan.FromSeconds(5);

    private readonly List<int> _zombies = [];
    private Func<CancellationToken, Task>? _end;
    private Action? _awaken;

    /// <summary>
    /// Strikes; returns whom it hit. An image in memory is the one that <paramref name="victim"/> is about to restore from: its
    /// own, or, if it lost that with its node, the copy that a peer has.
    /// </summary>
    public async Task<string> StrikeAsync(
        Strike strike, Announcement at, Victim? victim, CancellationToken cancellationToken)
    {
        (_end, _awaken) = (null, null);
        _zombies.Clear();
        return (strike.Force, strike.Target) switch
        {
            (Force.Flip, _) => await FlipAsync(strike, victim, cancellationToken),
            (Force.Cut, _) => await CutAsync(cancellationToken),
            (_, Target.Rank) => await StrikeRankAsync(strike.Force, at),
            (_, Target.Agent) => await StrikeAgentAsync(strike.Force, NodeOf(at), $"the agent of {NodeOf(at).Name}"),
            (_, Target.Service) => await StrikeServiceAsync(strike.Force),
            (_, Target.Node) => await StrikeNodeAsync(strike.Force, NodeOf(at)),
            (_, Target.TwoNodes) => await StrikeNodesAsync(strike.Force),
            (_, Target.Spare) => await StrikeSpareAsync(strike.Force),
            _ => throw new InvalidOperationException($"No such strike: {strike}."),
        };
    }

    /// <summary>Ends what lasts for a while only, or has a scheduler notice what does not end by itself.</summary>
    public Task EndAsync(CancellationToken cancellationToken) => _end?.Invoke(cancellationToken) ?? Task.CompletedTask;

    /// <summary>Lets what was replaced go on: it must find out by itself that it was, and end.</summary>
    public async Task AwakenAsync(CancellationToken cancellationToken)
    {
        if (_awaken is null)
        {
            return;
        }

        _awaken();
        await world.WaitAsync(
            $"ranks that were replaced while they stood still have ended ({string.Join(", ", _zombies)})",
            () => !_zombies.Exists(Signals.IsAlive),
            ZombiesEndWithin,
            cancellationToken);
        console.Say(string.Create(CultureInfo.InvariantCulture, $"{_zombies.Count} of the old ranks went on and found that they were replaced"));
    }

    private ChaosNode NodeOf(Announcement at)
    {
        var ranks = job.Ranks.Values.ToList();
        var node = world.Nodes.FirstOrDefault(node => node.Local.AgentPid == at.Pid)
            ?? ranks.Where(rank => rank.Pid == at.Pid).Select(rank => rank.Node).FirstOrDefault();
        return node is not null && ranks.Exists(rank => rank.Node == node) ? node : ranks[random.Next(ranks.Count)].Node;
    }

    private async Task<string> StrikeRankAsync(Force force, Announcement at)
    {
        var node = NodeOf(at);
        var ranks = job.Ranks.Where(rank => rank.Value.Node == node).ToList();
        var itself = ranks.FindIndex(rank => rank.Value.Pid == at.Pid);
        var (rank, (_, pid)) = ranks[itself >= 0 ? itself : random.Next(ranks.Count)];
        if (force == Force.Kill)
        {
            Require(await Signals.KillAsync(pid), $"rank {rank}");
        }
        else
        {
            Require(await Signals.StopAsync(pid), $"rank {rank}");
            await HaveNoticedAsync([pid], () => Signals.Continue(pid));
        }

        return $"rank {rank} on {node.Name}";
    }

    private async Task<string> StrikeAgentAsync(Force force, ChaosNode node, string who)
    {
        var pid = node.Local.AgentPid ?? throw new CliException($"There is no {who}.");
        await StrikeProcessAsync(force, pid, who);
        return who;
    }

    private async Task<string> StrikeServiceAsync(Force force)
    {
        await StrikeProcessAsync(force, world.Cluster.ServicePid ?? throw new CliException("There is no service."), "the service");
        return "the service";
    }

    private async Task StrikeProcessAsync(Force force, int pid, string who)
    {
        if (force == Force.Kill)
        {
            Require(await Signals.KillAsync(pid), who);
            return;
        }

        Require(await Signals.StopAsync(pid), who);
        PauseUntilEnd(() => Signals.Continue(pid));
    }

    private async Task<string> StrikeNodeAsync(Force force, ChaosNode node)
    {
        var ranks = job.Ranks.Where(rank => rank.Value.Node == node).ToDictionary();
        if (force == Force.Kill)
        {
            Require(await node.KillAsync() > 1, node.Name);
        }
        else
        {
            Require(await node.StopAsync(), node.Name);
            await HaveNoticedAsync([.. ranks.Values.Select(rank => rank.Pid)], node.Continue);
        }

        return $"{node.Name} with ranks {string.Join(" and ", ranks.Keys)}";
    }

    private async Task<string> StrikeNodesAsync(Force force)
    {
        var nodes = job.Ranks.Values.Select(rank => rank.Node).Distinct().ToList();
        var names = string.Join(" and ", nodes.Select(node => node.Name));
        if (force == Force.Kill)
        {
            Require((await Task.WhenAll(nodes.Select(node => node.KillAsync()))).All(killed => killed > 1), names);
        }
        else
        {
            Require((await Task.WhenAll(nodes.Select(node => node.StopAsync()))).All(did => did), names);
            PauseUntilEnd(() => nodes.ForEach(node => node.Continue()));
        }

        return names;
    }

    private async Task<string> StrikeSpareAsync(Force force)
    {
        var spare = world.Nodes.FirstOrDefault(node => node.IsUp && !job.Ranks.Values.Any(rank => rank.Node == node))
            ?? throw new CliException("There is no spare.");
        if (force == Force.Kill)
        {
            Require(await spare.KillAsync() > 1, spare.Name);
        }
        else
        {
            Require(await spare.StopAsync(), spare.Name);
            PauseUntilEnd(spare.Continue);
        }

        return $"the spare {spare.Name}";
    }

    private async Task<string> CutAsync(CancellationToken cancellationToken)
    {
        var network = world.Network ?? throw new CliException("There is no network to cut.");
        Require(await network.IsConnectedAsync(cancellationToken), "the network, which is not there");
        await network.CutAsync(true, cancellationToken);
        Require(!await network.IsConnectedAsync(cancellationToken), "the network");
        var pause = Pause();
        _end = async token =>
        {
            await world.PassAsync(pause, token);
            await network.CutAsync(false, token);
            await world.WaitAsync("agents reach each other again", () => network.IsConnectedAsync(token), pause * 10, token);
        };
        return string.Create(CultureInfo.InvariantCulture, $"the network between the agents for {pause.TotalSeconds:0.0} s");
    }

    private async Task<string> FlipAsync(Strike strike, Victim? victim, CancellationToken cancellationToken)
    {
        // Before the ranks join: nobody reads anything yet, and what they are to resume from stands.
        var before = (await world.Cluster.Api.AttemptsAsync(job.Run, cancellationToken))[^1];
        var from = (await world.Cluster.Api.RunAsync(job.Run, cancellationToken))?.Committed
            ?? throw new CliException("Nothing is committed.");
        var run = Formats.Identity.RunId.Parse(job.Run);
        var where = strike.Target switch
        {
            Target.Arena => ImageFlips.Flip([victim!.Node], job.Run, victim.Rank),
            Target.PeerCopy => ImageFlips.Flip(world.Nodes.Where(node => node != victim!.Node), job.Run, victim!.Rank),
            Target.Pack => await world.Store.FlipAsync($"{RepositoryKeys.Packs(run)}{RepositoryKeys.Folder(from)}/", ".pack", cancellationToken),
            _ => await world.Store.FlipAsync($"{RepositoryKeys.Checkpoints(run)}{RepositoryKeys.Folder(from)}/", ".index", cancellationToken),
        };
        _end = token => SeeNoticedAsync(where!, before, token);
        return where ?? throw new CliException($"There is nothing of {from} to flip a bit of.");
    }

    // A flip that nobody has read has hit nothing.
    private Task SeeNoticedAsync(string where, AttemptSummary before, CancellationToken cancellationToken) => world.WaitAsync(
        $"the flipped bit in {where} is noticed",
        async () => await ChaosWorld.AskAsync(token => NoticedAsync(before, token), cancellationToken) is not null,
        FlipNoticedWithin,
        cancellationToken);

    private async Task<string?> NoticedAsync(AttemptSummary before, CancellationToken cancellationToken)
    {
        var attempts = await world.Cluster.Api.AttemptsAsync(job.Run, cancellationToken);
        var faults = attempts.Where(attempt => attempt.Attempt > before.Attempt)
            .SelectMany(attempt => attempt.Restores).SelectMany(restore => restore.Faults);
        var incidents = await world.Cluster.Api.IncidentsAsync(job.Run, cancellationToken);
        return faults.FirstOrDefault(fault => fault.Kind == CopyFaultKind.Corrupt)?.Message ?? incidents.Where(incident => incident.Attempt > before.Attempt)
            .FirstOrDefault(incident => incident.Kind is IncidentKind.CorruptCopy or IncidentKind.PlanReplaced)?.Message;
    }

    private void PauseUntilEnd(Action go)
    {
        var pause = Pause();
        _end = async token =>
        {
            try
            {
                await world.PassAsync(pause, token);
            }
            finally
            {
                go();
            }
        };
    }

    /// <summary>
    /// Once the blow has struck, waits until the service says that something hangs or is lost (or long enough), and has
    /// the job start anew without those ranks; what was stopped goes on when the new attempt trains.
    /// </summary>
    private async Task HaveNoticedAsync(IReadOnlyList<int> pids, Action go)
    {
        var known = (await IncidentsAsync(CancellationToken.None)).Count;
        _zombies.AddRange(pids);
        _awaken = go;
        _end = async token =>
        {
            var began = TimeProvider.System.GetTimestamp();
            await world.WaitAsync(
                "a scheduler has noticed",
                async () => TimeProvider.System.GetElapsedTime(began) > HangNoticedWithin
                    || (await IncidentsAsync(token)).Skip(known).Any(incident =>
                        incident.Kind is IncidentKind.RankHung or IncidentKind.NodeLost or IncidentKind.AgentLost),
                HangNoticedWithin * 2,
                token);
            job.Abandon(pids);
        };
    }

    private async Task<IReadOnlyList<Incident>> IncidentsAsync(CancellationToken cancellationToken) =>
        await ChaosWorld.AskAsync<IReadOnlyList<Incident>>(
            async token => await world.Cluster.Api.IncidentsAsync(job.Run, token), cancellationToken) ?? [];

    private TimeSpan Pause() => ShortestPause + (random.NextDouble() * PauseRange);

    private static void Require(bool hit, string whom)
    {
        if (!hit)
        {
            throw new CliException($"The strike did not hit {whom}.");
        }
    }
}
