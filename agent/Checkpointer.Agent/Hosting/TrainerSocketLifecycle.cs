using Microsoft.Extensions.Hosting;

namespace Checkpointer.Agent.Hosting;

/// <summary>
/// Readies the Unix socket's file around the start of the listener. Comes before <see cref="AgentLifecycle"/>: an agent that
/// is still alive must keep its arenas.
/// </summary>
internal sealed class TrainerSocketLifecycle(AgentOptions options) : IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken) => TrainerSocket.PrepareAsync(options.Socket, cancellationToken);

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        TrainerSocket.Open(options.Socket);
        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
