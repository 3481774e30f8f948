using Checkpointer.Contracts;
using Checkpointer.Contracts.Agents;
using Checkpointer.Contracts.Runs;
using Checkpointer.Contracts.Stores;

namespace Checkpointer.Cli.Doctor;

/// <summary>What is asked of the service.</summary>
internal sealed class ServiceCalls(Uri address, TimeSpan timeout) : IDisposable
{
    private readonly HttpClient _client = new() { BaseAddress = address, Timeout = timeout };

    /// <summary>Its store; tells as well whether it is there, and its clock.</summary>
    public Task<(StoreStatus? Value, string? Problem, DateTimeOffset? Date)> StoreAsync(CancellationToken cancellationToken) =>
        HttpAnswers.GetAsync(_client, "v1/store", ContractsJsonContext.Default.StoreStatus, cancellationToken);

    /// <summary>Whether it is ready.</summary>
    public Task<(Readiness? Value, string? Problem, DateTimeOffset? Date)> ReadyAsync(CancellationToken cancellationToken) =>
        HttpAnswers.GetAsync(_client, "healthz/ready", ContractsJsonContext.Default.Readiness, cancellationToken);

    /// <summary>The agents it knows.</summary>
    public Task<(Page<AgentSummary>? Value, string? Problem, DateTimeOffset? Date)> AgentsAsync(CancellationToken cancellationToken) =>
        HttpAnswers.GetAsync(_client, "v1/agents", ContractsJsonContext.Default.PageAgentSummary, cancellationToken);

    public void Dispose() => _client.Dispose();
}
