using Checkpointer.Agent.Arenas;
using Checkpointer.Agent.Hosting;
using Checkpointer.Agent.Joining;
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
        do
        {
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
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
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
