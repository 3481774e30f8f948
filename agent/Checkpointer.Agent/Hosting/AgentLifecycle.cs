using Checkpointer.Agent.Arenas;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Agent.Hosting;

/// <summary>What must happen before the agent listens, and just after.</summary>
internal sealed partial class AgentLifecycle(
    AgentOptions options, AgentIdentity identity, NodeArenas arenas, ILogger<AgentLifecycle> logger) : IHostedLifecycleService
{
    /// <summary>Takes the socket's place first: an agent that is still alive must keep its arenas.</summary>
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        await TrainerSocket.PrepareAsync(options.Socket, cancellationToken);
        await arenas.AdoptAsync(cancellationToken);
    }

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        TrainerSocket.Open(options.Socket);
        LogStarted(options.Node, identity.Instance, options.Socket, identity.Address, arenas.Holdings.Count);
        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
