using Checkpointer.Agent.Arenas;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Agent.Hosting;

/// <summary>What must happen before the agent listens, and just after.</summary>
internal sealed partial class AgentLifecycle(
    AgentOptions options, AgentIdentity identity, NodeArenas arenas, ILogger<AgentLifecycle> logger) : IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken) => arenas.AdoptAsync(cancellationToken);

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        LogStarted(options.Node, identity.Instance, options.Socket, identity.Address, arenas.Holdings.Count);
        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
