using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Net.Sockets;
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
    private const int KeepAliveSeconds = 10;
    private const int KeepAliveTries = 3;

    private readonly HttpClient _client =
        new(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(3), ConnectCallback = ConnectAsync }) { BaseAddress = service, Timeout = Timeout };

    /// <summary>What a path answers.</summary>
    public Task<T> GetAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellationToken) => CallAsync(
        () => _client.GetAsync(path, HttpCompletionOption.ResponseHeadersRead, cancellationToken), type, cancellationToken);

    /// <summary>What a path answers to <paramref name="body"/>.</summary>
    public Task<TAnswer> PostAsync<TBody, TAnswer>(
        string path, TBody body, JsonTypeInfo<TBody> bodyType, JsonTypeInfo<TAnswer> type, CancellationToken cancellationToken) =>
        CallAsync(() => _client.PostAsJsonAsync(path, body, bodyType, cancellationToken), type, cancellationToken);

    /// <summary>
    /// Server-sent events of a path, behind <paramref name="lastId"/>, until the service ends them. Throws as it does when the
    /// connection breaks off.
    /// </summary>
    /// <param name="path">The path.</param>
    /// <param name="lastId">The id of the last event that is known; 0 for none.</param>
    /// <param name="opened">Called when the service has begun to answer.</param>
    /// <param name="take">Called with the id and the data of each event.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public Task ListenAsync(
        string path, string lastId, Action opened, Action<string?, string> take, CancellationToken cancellationToken) => TranslateAsync(
        async () =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            request.Headers.Add("Last-Event-ID", lastId);
            using var response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
            await ProblemReader.EnsureSuccessAsync(response, cancellationToken).ConfigureAwait(false);
            opened();
            using var stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
            await foreach (var item in SseParser.Create(stream).EnumerateAsync(cancellationToken).ConfigureAwait(false))
            {
                take(item.EventId, item.Data);
            }

            return true;
        },
        cancellationToken);

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

    // A service whose node went away says nothing of it: without this a stream of its events would wait for ever.
    private static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, KeepAliveSeconds);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, KeepAliveSeconds);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, KeepAliveTries);
            await socket.ConnectAsync(context.DnsEndPoint, cancellationToken).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private Task<T> CallAsync<T>(
        Func<Task<HttpResponseMessage>> call, JsonTypeInfo<T> type, CancellationToken cancellationToken) => TranslateAsync(
        async () =>
        {
            using var response = await call().ConfigureAwait(false);
            await ProblemReader.EnsureSuccessAsync(response, cancellationToken).ConfigureAwait(false);
            return await response.Content.ReadFromJsonAsync(type, cancellationToken).ConfigureAwait(false)
                ?? throw new JsonException("null");
        },
        cancellationToken);

    private async Task<T> TranslateAsync<T>(Func<Task<T>> call, CancellationToken cancellationToken)
    {
        try
        {
            return await call().ConfigureAwait(false);
        }
        catch (JsonException e)
        {
            throw new CheckpointerException(
                ErrorCode.Internal, $"What answers at {service} does not answer like a Checkpointer service of this version: {e.Message}", inner: e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
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
