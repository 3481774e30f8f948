using System.Globalization;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Agents;
using Checkpointer.Service.Coordination;
using Checkpointer.Service.Hosting;
using Checkpointer.Service.Runs.Commands;
using Checkpointer.Service.Telemetry;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Service.Detection;

/// <summary>
/// Looks twice a second at what agents told of the ranks in training: an agent that fell silent, a run that completes no
/// steps. It raises incidents and nothing else: no attempt is fenced by what may be a false alarm.
/// </summary>
internal sealed partial class FailureDetector(
    RunHost host,
    AgentRegistry agents,
    AgentProbe probe,
    ServiceOptions options,
    ServiceMetrics metrics,
    TimeProvider timeProvider,
    ILogger<FailureDetector> logger)
    : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    // After this part of the timeout (1.5 s unless told otherwise: agents are heard every second) a silent agent is asked: a
    // closed port is proof, and need not be waited for.
    private const int EarlyProbePart = 10;

    // Silences that were told or explained, by node: until the agent says something again.
    private readonly Dictionary<string, string> _settled = new(StringComparer.Ordinal);
    // The hang of each run that was told last: it lasts, and is one.
    private readonly Dictionary<RunId, (Attempt Attempt, Step LastStep)> _hangs = [];
    private readonly DateTimeOffset _startedAt = timeProvider.GetUtcNow();

    /// <summary>One look; one at a time.</summary>
    internal Task LookAsync(CancellationToken cancellationToken)
    {
        var nodes = agents.InTraining();
        return Task.WhenAll(FindLostAsync(nodes, cancellationToken), FindHungAsync(nodes, cancellationToken));
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, timeProvider);
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
        {
            await LookAsync(stoppingToken).ConfigureAwait(false);
        }
    }

    private async Task FindLostAsync(IReadOnlyList<TrainingNode> nodes, CancellationToken cancellationToken)
    {
        foreach (var heard in _settled.Keys.Except(nodes.Where(node => node.Silence >= EarlyProbe).Select(node => node.Node)).ToList())
        {
            _ = _settled.Remove(heard);
        }

        var silent = nodes.Where(node => node.Silence >= EarlyProbe && !_settled.ContainsKey(node.Node)).ToList();
        var results = await Task.WhenAll(silent.Select(node => probe.ProbeAsync(node.Address, cancellationToken))).ConfigureAwait(false);
        foreach (var (node, result) in silent.Zip(results))
        {
            var isOver = node.Silence >= options.AgentTimeout;
            if (result == ProbeResult.Refused || (isOver && result == ProbeResult.Silent))
            {
                _settled[node.Node] = node.Instance;
                await TellLostAsync(node, result == ProbeResult.Silent, cancellationToken).ConfigureAwait(false);
            }
            else if (isOver)
            {
                _settled[node.Node] = node.Instance;
                metrics.CountDetection(ServiceMetrics.AgentCutOff);
                LogCutOff(node.Node, node.Address);
            }
        }
    }

    private TimeSpan EarlyProbe => options.AgentTimeout / EarlyProbePart;

    private async Task TellLostAsync(TrainingNode node, bool isNode, CancellationToken cancellationToken)
    {
        var evidence = string.Create(CultureInfo.InvariantCulture,
            $"no heartbeat for {node.Silence.TotalSeconds:0.0} s, and {node.Address} {(isNode ? "does not answer" : "refuses connections")}.");
        metrics.CountDetection((isNode ? IncidentKind.NodeLost : IncidentKind.AgentLost).ToString());
        foreach (var run in node.Ranks.GroupBy(rank => rank.Run))
        {
            LogLost(run.Key, node.Node, evidence);
            await TellAsync(run.Key, new RecordLoss(node.Node, [.. run], isNode, evidence), cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task FindHungAsync(IReadOnlyList<TrainingNode> nodes, CancellationToken cancellationToken)
    {
        var sightings = nodes.Where(node => node.Silence < options.AgentTimeout)
            .SelectMany(node => node.Ranks.Select(rank => new RankSighting(node.Node, rank, node.Silence)));
        foreach (var run in sightings.GroupBy(sighting => sighting.Activity.Run))
        {
            if (await host.TryReadAsync(run.Key, HangFacts.Of, cancellationToken).ConfigureAwait(false) is not (true, { } facts))
            {
                continue;
            }

            // Steps that were completed while this service was away are told soon after it is back.
            var since = facts.LastStepAt > _startedAt ? facts.LastStepAt : _startedAt;
            var ranks = run.Where(sighting => sighting.Activity.Attempt == facts.Attempt).DistinctBy(sighting => sighting.Activity.Rank).ToList();
            if (HangDetector.Judge(facts, timeProvider.GetUtcNow() - since, ranks) is { } verdict)
            {
                await TellHungAsync(run.Key, facts, verdict, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async Task TellHungAsync(RunId run, HangFacts facts, HangVerdict verdict, CancellationToken cancellationToken)
    {
        if (_hangs.TryGetValue(run, out var told) && told == (facts.Attempt, facts.LastStep))
        {
            return;
        }

        _hangs[run] = (facts.Attempt, facts.LastStep);
        metrics.CountDetection(nameof(IncidentKind.RankHung));
        LogHangs(run, facts.Attempt, verdict.Evidence);
        await TellAsync(
            run,
            new RecordHang(
                facts.Attempt, facts.LastStep, [.. verdict.Ranks.Select(rank => rank.Activity)], verdict.Ranks[0].Node, verdict.Evidence),
            cancellationToken).ConfigureAwait(false);
    }

    private async Task TellAsync(RunId run, RunCommand<Acknowledged> command, CancellationToken cancellationToken)
    {
        try
        {
            _ = await host.ExecuteAsync(run, command, cancellationToken).ConfigureAwait(false);
        }
        catch (CheckpointerException e) when (e.Code is ErrorCode.StaleAttempt or ErrorCode.NotFound)
        {
            // The run went on to another attempt meanwhile: this is no news any more.
            LogNotRecorded(run, e.Message);
        }
    }
}
