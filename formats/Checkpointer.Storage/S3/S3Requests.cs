using System.Net.Http.Headers;
using Checkpointer.Formats.Errors;

namespace Checkpointer.Storage.S3;

/// <summary>Signs requests, sends them, and turns everything that is not the answer hoped for into a failure.</summary>
internal sealed class S3Requests(S3Settings settings, S3CredentialSource credentials, HttpClient http, TimeProvider timeProvider)
    : IDisposable
{
    // A request has at least this header, so that the transport tells when one is written.
    private static readonly ProductInfoHeaderValue Product = new("checkpointer", null);

    private readonly Uri _bucket = BucketUri(settings);

    public S3Failures Failures { get; } = new(settings, credentials, timeProvider);

    /// <summary>A request about an object, not signed yet.</summary>
    public HttpRequestMessage ForObject(HttpMethod method, ObjectKey key) =>
        new(method, new Uri(_bucket, settings.Prefix + key.Value));

    /// <summary>A request about the bucket; <paramref name="query"/> is escaped.</summary>
    public HttpRequestMessage ForBucket(HttpMethod method, string query) =>
        new(method, new UriBuilder(_bucket) { Path = _bucket.AbsolutePath.TrimEnd('/'), Query = query }.Uri);

    /// <summary>The watch over one request; to be disposed after its answer.</summary>
    public StallWatch Watch(CancellationToken cancellationToken) => new(settings.IdleTimeout, timeProvider, cancellationToken);

    /// <summary>How messages name an object.</summary>
    public string Name(ObjectKey key) => $"'{settings.Prefix}{key}'";

    /// <summary>
    /// Signs and sends; gives the answer's head, whatever its status. That there is none is
    /// <see cref="ErrorCode.StorageUnavailable"/>.
    /// </summary>
    public async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request, S3Action action, string what, StallWatch watch)
    {
        request.RequestUri = S3Signer.Presign(
            request.Method, request.RequestUri!, credentials.Current(), settings.Region, timeProvider.GetUtcNow(), S3Signer.Lifetime);
        request.Headers.UserAgent.Add(Product);
        request.Options.Set(StallWatch.Option, watch);
        try
        {
            var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, watch.Token).ConfigureAwait(false);
            watch.Pause();
            return answer;
        }
        catch (Exception e) when (IsTransport(e, watch.Caller))
        {
            throw FromTransport(action, what, watch, e);
        }
    }

    /// <summary>The failure of a request without an answer, or with half of one: a stall ends as a cancellation too.</summary>
    public CheckpointerException FromTransport(S3Action action, string what, StallWatch watch, Exception failure) =>
        watch.IsStalled ? Failures.Stalled(action, what, watch, failure) : Failures.FromTransport(action, what, failure);

    /// <summary>Reads what an answer that is no success says.</summary>
    public async Task<CheckpointerException> FailureAsync(
        HttpResponseMessage answer, S3Action action, string what, StallWatch watch)
    {
        var body = Array.Empty<byte>();
        try
        {
            body = await ReadBodyAsync(answer, S3Error.MaxBytes, watch).ConfigureAwait(false) ?? body;
        }
        catch (Exception e) when (IsTransport(e, watch.Caller))
        {
            // The status alone has to do.
        }

        return Failures.FromAnswer(action, what, answer, S3Error.Parse(body));
    }

    /// <summary>Reads a body whole; null if it has more than <paramref name="maxBytes"/>.</summary>
    public static async Task<byte[]?> ReadBodyAsync(HttpResponseMessage answer, int maxBytes, StallWatch watch)
    {
        if (answer.Content.Headers.ContentLength > maxBytes)
        {
            return null;
        }

        watch.Receiving(answer.Content.Headers.ContentLength);
        var stream = await answer.Content.ReadAsStreamAsync(watch.Token).ConfigureAwait(false);
        using var whole = new MemoryStream((int)(answer.Content.Headers.ContentLength ?? 0));
        var piece = new byte[16 << 10];
        while (await stream.ReadAsync(piece, watch.Token).ConfigureAwait(false) is > 0 and var read)
        {
            watch.Received(read);
            if (whole.Length + read > maxBytes)
            {
                return null;
            }

            whole.Write(piece, 0, read);
        }

        return whole.ToArray();
    }

    /// <summary>Whether an exception is the network's rather than the caller's wish or a bug.</summary>
    public static bool IsTransport(Exception failure, CancellationToken cancellationToken) =>
        failure is HttpRequestException or IOException
        || (failure is OperationCanceledException && !cancellationToken.IsCancellationRequested);

    /// <inheritdoc/>
    public void Dispose() => http.Dispose();

    private static Uri BucketUri(S3Settings settings) => settings.HostStyle
        ? new UriBuilder(settings.Endpoint) { Host = $"{settings.Bucket}.{settings.Endpoint.Host}" }.Uri
        : new Uri(settings.Endpoint, settings.Bucket + "/");
}
