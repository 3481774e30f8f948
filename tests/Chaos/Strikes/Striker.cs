using System.Globalization;
using Checkpointer.Chaos.Announcing;
using Checkpointer.Chaos.Jobs;
using Checkpointer.Chaos.Judging;
using Checkpointer.Chaos.Worlds;
using Checkpointer.Cli;
using Checkpointer.Cli.Demo;
using Checkpointer.Storage.CrashPoints;

namespace Checkpointer.Chaos.Strikes;

/// <summary>Brings a phase about, strikes while the process that is in it is held there, and sees the job recover.</summary>
internal sealed class Striker(ChaosWorld world, IJob job, Random random, DemoConsole console)
{
    private static readonly TimeSpan ReadyWithin = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan PhaseWithin = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan RecoveredWithin = TimeSpan.FromSeconds(120);

    private readonly Blows _blows = new(world, job, random, console);

    /// <summary>Failures that only brought a phase about.</summary>
    public int EarlierFailures { get; private set; }

    /// <summary>
    /// Carries out <paramref name="strike"/>. Null if the job ended before it could be; throws <see cref="CliException"/> if it
    /// did not hit or if the job did not recover, <paramref name="onHit"/> having been told in the latter case.
    /// </summary>
    public async Task<Hit?> StrikeAsync(Strike strike, int lastStep, Action<Hit> onHit, CancellationToken cancellationToken)
    {
        await world.WaitAsync("all runs as it should", () => job.IsOver || world.Step > lastStep || IsReady(strike), ReadyWithin, cancellationToken);
        if (job.IsOver || world.Step > lastStep)
        {
            return null;
        }

        var (at, earlier, victim) = await BringAboutAsync(strike, cancellationToken);
        var before = (world.Step, world.CommittedStep);
        var began = TimeProvider.System.GetTimestamp();
        Hit hit;
        try
        {
            hit = new Hit(strike, at.Point, await _blows.StrikeAsync(strike, at, victim, cancellationToken));
        }
        finally
        {
            at.Release();
        }

        onHit(hit);
        console.Bad($"{strike}: {hit.Victim}, at {at.Point}{earlier}");
        await _blows.EndAsync(cancellationToken);
        await world.WaitAsync("the job trains on", () => Track(hit, before.Step, began) || job.IsOver, RecoveredWithin, cancellationToken);
        await _blows.AwakenAsync(cancellationToken);
        await world.WaitAsync(
            "a checkpoint is committed anew",
            () => job.IsOver || world.CommittedStep > Math.Max(before.CommittedStep, before.Step),
            RecoveredWithin,
            cancellationToken);
        hit.Recovered = true;
        console.Good(string.Create(CultureInfo.InvariantCulture, $"it trains on after {hit.Seconds:0.0} s, step {world.Step}, committed {world.CommittedStep}"));
        return hit;
    }

    // A spare that is still on its way is no reason to wait where none is needed.
    private bool IsReady(Strike strike) => job.Ranks.Count == 4
        && (strike.Target is Target.Rank or Target.Agent or Target.Service || world.Nodes.All(node => node.IsUp))
        && world.Progress is { Protected: not null, CommittedCheckpoints: >= 2 } && world.CommittedStep + (2 * TrainingArguments.SaveEvery) > world.Step;

    private static bool Passed(ChaosWorld world, long step) => world.Step > step + 1;

    private bool Track(Hit hit, long step, long began)
    {
        if (!Passed(world, step) && !job.IsOver)
        {
            return false;
        }

        hit.Seconds = TimeProvider.System.GetElapsedTime(began).TotalSeconds;
        return true;
    }

    /// <summary>A process that is in the phase and stays there, and what it took to get one there.</summary>
    private async Task<(Announcement At, string Earlier, Victim? Victim)> BringAboutAsync(Strike strike, CancellationToken cancellationToken)
    {
        // A restore from afar needs a node that is dead: then the spare is none any more.
        var points = PhasePoints.Of(strike.Phase).Where(point => point != CrashPointNames.RestoreBuilding || strike.Target != Target.Spare).ToList();
        var point = points[random.Next(points.Count)];
        var needsEmptyMemory = point == CrashPointNames.RestoreBuilding || strike.Target == Target.Network && strike.NeedsFailure;
        var armed = world.Listener.Arm([point]);
        try
        {
            var (earlier, victim) = strike.NeedsFailure ? await FailAsync(strike, needsEmptyMemory) : ("", null);
            await world.WaitAsync($"a process reaches {point}", () => armed.IsCompleted, PhaseWithin, cancellationToken);
            return (await armed, earlier, victim);
        }
        finally
        {
            world.Listener.Disarm();
        }
    }

    private async Task<(string What, Victim? Victim)> FailAsync(Strike strike, bool needsEmptyMemory)
    {
        EarlierFailures++;
        if (strike.Target is Target.Pack or Target.Index)
        {
            _ = await Task.WhenAll(world.Nodes.Select(node => node.KillAsync()));
            return (", after all nodes had been killed", null);
        }

        var ranks = job.Ranks.ToList();
        var (rank, (node, pid)) = ranks[random.Next(ranks.Count)];
        if (strike.Target == Target.PeerCopy || needsEmptyMemory)
        {
            _ = await node.KillAsync();
            return ($", after {node.Name} had been killed", new Victim(node, rank));
        }

        return await Signals.KillAsync(pid)
            ? ($", after rank {rank} had been killed", new Victim(node, rank))
            : throw new CliException($"Rank {rank} was to be killed, but was dead already.");
    }
}
