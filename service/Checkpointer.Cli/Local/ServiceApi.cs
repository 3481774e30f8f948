using System.Net.Http.Json;
using System.Text.Json.Serialization.Metadata;
using Checkpointer.Contracts;
using Checkpointer.Contracts.Runs;

namespace Checkpointer.Cli.Local;

/// <summary>The service's read API, as the demo watches it. Null or empty answers while the service is down.</summary>
internal sealed class ServiceApi(Uri address) : IDisposable
{
    private static readonly ContractsJsonContext Json = ContractsJsonContext.Default;
    private readonly HttpClient _client = new() { BaseAddress = address, Timeout = TimeSpan.FromSeconds(10) };

    /// <summary>Whether the service takes calls.</summary>
    public async Task<bool> IsReadyAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var response = await _client.GetAsync("healthz/ready", cancellationToken).ConfigureAwait(false);
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false; // not up yet, or down
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false; // no answer in time: it is as good as down
        }
    }

    /// <summary>The run at a glance; null if the service does not know it yet.</summary>
    public Task<RunSummary?> RunAsync(string run, CancellationToken cancellationToken) =>
        GetAsync($"v1/runs/{run}", Json.RunSummary, cancellationToken);

    /// <summary>All attempts of the run, oldest first.</summary>
    public Task<IReadOnlyList<AttemptSummary>> AttemptsAsync(string run, CancellationToken cancellationToken) =>
        ListAsync($"v1/runs/{run}/attempts", Json.PageAttemptSummary, cancellationToken);

    /// <summary>All checkpoints of the run, oldest first.</summary>
    public async Task<IReadOnlyList<CheckpointSummary>> CheckpointsAsync(string run, CancellationToken cancellationToken) =>
        [.. (await ListAsync($"v1/runs/{run}/checkpoints", Json.PageCheckpointSummary, cancellationToken).ConfigureAwait(false))
            .OrderBy(checkpoint => checkpoint.Checkpoint)];

    /// <summary>The whole ledger of the run, in the order in which it was written.</summary>
    public Task<IReadOnlyList<LedgerEntry>> LedgerAsync(string run, CancellationToken cancellationToken) =>
        ListAsync($"v1/runs/{run}/ledger", Json.PageLedgerEntry, cancellationToken);

    /// <summary>All incidents of the run, oldest first.</summary>
    public Task<IReadOnlyList<Incident>> IncidentsAsync(string run, CancellationToken cancellationToken) =>
        ListAsync($"v1/runs/{run}/incidents", Json.PageIncident, cancellationToken);

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    private async Task<IReadOnlyList<T>> ListAsync<T>(
        string path, JsonTypeInfo<Page<T>> type, CancellationToken cancellationToken)
    {
        var items = new List<T>();
        string? after = null;
        do
        {
            var query = after is null ? path : $"{path}?after={Uri.EscapeDataString(after)}";
            var page = await GetAsync(query, type, cancellationToken).ConfigureAwait(false);
            items.AddRange(page?.Items ?? []);
            after = page?.Next;
        }
        while (after is not null);
        return items;
    }

    private async Task<T?> GetAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellationToken)
        where T : class
    {
        try
        {
            using var response = await _client.GetAsync(path, cancellationToken).ConfigureAwait(false);
            return response.IsSuccessStatusCode
                ? await response.Content.ReadFromJsonAsync(type, cancellationToken).ConfigureAwait(false)
                : null;
        }
        catch (HttpRequestException)
        {
            return null; // the service is down; the caller looks again later
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return null; // no answer in time; likewise
        }
    }
}
