using Checkpointer.Agent.Arenas;
using Checkpointer.Agent.Hosting;
using Checkpointer.Agent.Joining;
using Checkpointer.Agent.Presences;
using Checkpointer.Agent.Stores;
using Checkpointer.Contracts.Agents;
using Checkpointer.Formats.Errors;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Agent.Reporting;

/// <summary>
/// Tells the service at intervals that this agent lives and what it holds, and takes in where its runs stand. An outage
/// of the service is logged at its beginning and at its end, and changes nothing else: memory is never given up because
/// nobody answers.
/// </summary>
internal sealed partial class Heartbeat(
    ServiceClient service,
    AgentIdentity identity,
    NodeArenas arenas,
    Grants grants,
    RankPresences presences,
    AgentRepository repository,
    AgentOptions options,
    TimeProvider time,
    ILogger<Heartbeat> logger) : BackgroundService
{
    /// <summary>Most images that one heartbeat names, as the contract has it; the newest.</summary>
    public const int MaxHoldings = 4096;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.HeartbeatInterval, time);
        var isAway = false;
        var tick = timer.WaitForNextTickAsync(stoppingToken).AsTask();
        while (true)
        {
            // Taken before it is told: a change while it is being told is told at once after it.
            var changed = presences.Changed;
            try
            {
                await BeatAsync(stoppingToken);
                if (isAway)
                {
                    LogBack();
                }

                isAway = false;
            }
            catch (CheckpointerException e)
            {
                if (!isAway)
                {
                    LogAway(e.Message);
                }

                isAway = true;
            }

            if (isAway || await Task.WhenAny(tick, changed) == tick)
            {
                _ = await tick;
                tick = timer.WaitForNextTickAsync(stoppingToken).AsTask();
            }
        }
    }

    private async Task BeatAsync(CancellationToken cancellationToken)
    {
        var result = await service.BeatAsync(
            new AgentPresence
            {
                Node = identity.Node,
                Instance = identity.Instance,
                Address = identity.Address,
                Holdings = [.. arenas.Holdings.OrderByDescending(holding => holding.Checkpoint).Take(MaxHoldings)],
                Runs = grants.Runs,
                Ranks = presences.Ranks,
                Store = repository.Presence,
                Domain = identity.Domain,
            },
            cancellationToken);
        repository.Compare(result.Repository);
        foreach (var progress in result.Runs)
        {
            grants.Observe(progress.Run, progress.Attempt, progress.Fenced);
            arenas.Observe(progress);
        }
    }
}
