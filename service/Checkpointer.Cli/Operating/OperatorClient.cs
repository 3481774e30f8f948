using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Checkpointer.Contracts.Problems;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;

namespace Checkpointer.Cli.Operating;

/// <summary>
/// The service as operator verbs call it. Whatever goes wrong is a <see cref="CheckpointerException"/> that says what, with the
/// service's address where that is the point: <c>service_unavailable</c> if it cannot be reached, else what it answered.
/// </summary>
internal sealed class OperatorClient(Uri service) : IDisposable
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    private readonly HttpClient _client =
        new(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(3) }) { BaseAddress = service, Timeout = Timeout };

    /// <summary>What a path answers.</summary>
    public Task<T> GetAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellationToken) => CallAsync(
        () => _client.GetAsync(path, HttpCompletionOption.ResponseHeadersRead, cancellationToken), type, cancellationToken);

    /// <summary>What a path answers to <paramref name="body"/>.</summary>
    public Task<TAnswer> PostAsync<TBody, TAnswer>(
        string path, TBody body, JsonTypeInfo<TBody> bodyType, JsonTypeInfo<TAnswer> type, CancellationToken cancellationToken) =>
        CallAsync(() => _client.PostAsJsonAsync(path, body, bodyType, cancellationToken), type, cancellationToken);

    /// <summary>Every element of a path that answers in pages, as they come.</summary>
    public async IAsyncEnumerable<T> ListAsync<T>(
        string path,
        JsonTypeInfo<Page<T>> type,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        const int PageSize = 1000;
        string? after = null;
        do
        {
            var query = $"{path}?limit={PageSize}{(after is null ? "" : $"&after={Uri.EscapeDataString(after)}")}";
            var page = await GetAsync(query, type, cancellationToken).ConfigureAwait(false);
            foreach (var item in page.Items)
            {
                yield return item;
            }

            after = page.Next;
        }
        while (after is not null);
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    private async Task<T> CallAsync<T>(
        Func<Task<HttpResponseMessage>> call, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await call().ConfigureAwait(false);
            await ProblemReader.EnsureSuccessAsync(response, cancellationToken).ConfigureAwait(false);
            return await response.Content.ReadFromJsonAsync(type, cancellationToken).ConfigureAwait(false)
                ?? throw new JsonException("null");
        }
        catch (JsonException e)
        {
            throw new CheckpointerException(
                ErrorCode.Internal, $"What answers at {service} does not answer like a Checkpointer service of this version: {e.Message}", inner: e);
        }
        catch (HttpRequestException e)
        {
            throw new CheckpointerException(
                ErrorCode.ServiceUnavailable,
                $"The service at {service} cannot be reached: {e.Message} (Another address: --service, CHECKPOINTER_SERVICE or the configuration file.)",
                isTransient: true,
                e);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new CheckpointerException(
                ErrorCode.ServiceUnavailable, $"The service at {service} did not answer within {Timeout.TotalSeconds:0} s.", isTransient: true, e);
        }
    }
}
