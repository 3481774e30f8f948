using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Packs;

namespace Checkpointer.Storage.S3;

/// <summary>
/// Objects in a bucket of an S3 server, under a prefix. Bytes go as single presigned requests straight from and to the
/// caller's memory: a put is atomic at the server, so there are no parts to sweep up after a crash. Nothing is retried
/// and only connecting has a deadline (<see cref="IObjectStore"/>); a request of which nothing moves any more is given up.
/// </summary>
internal sealed class S3ObjectStore : IObjectStore, IDisposable
{
    /// <summary>Most bytes of one object: the largest pack, its header included. More would need uploads in parts.</summary>
    public const long MaxObjectBytes = PackHeader.MaxPayloadBytes + (4 << 20);

    /// <summary>Largest object whose MD5 is sent with <see cref="S3Checksum.Auto"/>.</summary>
    public const int MaxAutoMd5Bytes = 1 << 20;

    /// <summary>
    /// From this size on a put waits for the server to say that it will take the body, at most a second: a refusal then
    /// comes as an answer that says why, where the server would else close the connection in the middle of the body.
    /// </summary>
    private const int ExpectContinueBytes = 1 << 20;

    private readonly S3Settings _settings;
    private readonly S3Requests _requests;
    private readonly S3RangedRead _read;
    private readonly S3Listing _listing;

    private S3ObjectStore(S3Settings settings, S3Requests requests)
    {
        _settings = settings;
        _requests = requests;
        _read = new S3RangedRead(requests);
        _listing = new S3Listing(requests, settings.Prefix);
        Description = $"S3 bucket '{settings.Bucket}'{(settings.Prefix.Length == 0 ? "" : $", prefix '{settings.Prefix}',")} at {settings.Endpoint.GetLeftPart(UriPartial.Authority)}";
    }

    /// <inheritdoc/>
    public string Description { get; }

    /// <summary>
    /// Opens the store: reads credentials and CA file, connects to nothing. What cannot be used is
    /// <see cref="ErrorCode.ConfigurationInvalid"/>. <paramref name="connect"/> replaces looking up and connecting.
    /// </summary>
    public static S3ObjectStore Open(
        S3Settings settings,
        TimeProvider timeProvider,
        Func<SocketsHttpConnectionContext, CancellationToken, ValueTask<Stream>>? connect = null)
    {
        var credentials = new S3CredentialSource(settings.Credentials, timeProvider);
        return new S3ObjectStore(settings, new S3Requests(settings, credentials, S3Transport.Open(settings, connect), timeProvider));
    }

    /// <inheritdoc/>
    public Task PutAsync(ObjectKey key, ObjectContent content, CancellationToken cancellationToken) =>
        PutAsync(key, content, ifAbsent: false, cancellationToken);

    /// <inheritdoc/>
    public Task<PutOutcome> PutIfAbsentAsync(ObjectKey key, ObjectContent content, CancellationToken cancellationToken) =>
        PutAsync(key, content, ifAbsent: true, cancellationToken);

    /// <inheritdoc/>
    public async Task ReadAsync(ObjectKey key, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        if (!destination.IsEmpty)
        {
            await _read.FillAsync(key, offset, destination, cancellationToken).ConfigureAwait(false);
            return;
        }

        // A range of no bytes cannot be asked for.
        var info = await HeadAsync(key, cancellationToken).ConfigureAwait(false) ?? throw _requests.Failures.NotFound(S3Action.Read, _requests.Name(key));
        if (info.SizeBytes < offset)
        {
            throw _read.TooShort(key, info.SizeBytes, offset);
        }
    }

    /// <inheritdoc/>
    public async Task<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        var name = _requests.Name(key);
        using var watch = _requests.Watch(cancellationToken);
        using var request = _requests.ForObject(HttpMethod.Head, key);
        using var answer = await _requests.SendAsync(request, S3Action.LookUp, name, watch).ConfigureAwait(false);
        if (answer.IsSuccessStatusCode)
        {
            return answer.Content.Headers is { ContentLength: { } size, LastModified: { } modified }
                ? new ObjectInfo(key, size, modified)
                : throw _requests.Failures.Broken(S3Action.LookUp, name, "the server names no length or no time of the object.", transient: false);
        }

        if (answer.StatusCode is >= HttpStatusCode.InternalServerError or HttpStatusCode.TooManyRequests)
        {
            throw await _requests.FailureAsync(answer, S3Action.LookUp, name, watch).ConfigureAwait(false);
        }

        // Answers to HEAD have no body, so none tells a missing object from a missing bucket. A read says which it is.
        var failure = await AskWhyAsync(key, cancellationToken).ConfigureAwait(false);
        return failure.Code == ErrorCode.NotFound ? null : throw failure;
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        return _listing.ListAsync(prefix, cancellationToken);
    }

    /// <inheritdoc/>
    public async Task DeleteAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        using var watch = _requests.Watch(cancellationToken);
        using var request = _requests.ForObject(HttpMethod.Delete, key);
        using var answer = await _requests.SendAsync(request, S3Action.Delete, _requests.Name(key), watch).ConfigureAwait(false);
        if (!answer.IsSuccessStatusCode)
        {
            var failure = await _requests.FailureAsync(answer, S3Action.Delete, _requests.Name(key), watch).ConfigureAwait(false);
            if (failure.Code != ErrorCode.NotFound)
            {
                throw failure;
            }
        }
    }

    /// <summary>Closes the connections. No call may be under way.</summary>
    public void Dispose() => _requests.Dispose();

    private async Task<PutOutcome> PutAsync(ObjectKey key, ObjectContent content, bool ifAbsent, CancellationToken cancellationToken)
    {
        var name = _requests.Name(key);
        if (content.LengthBytes > MaxObjectBytes)
        {
            throw new CheckpointerException(
                ErrorCode.LimitExceeded,
                $"Could not put {name}: it has {content.LengthBytes} bytes and an object may have at most {MaxObjectBytes}.");
        }

        using var watch = _requests.Watch(cancellationToken);
        using var body = new SegmentsContent(content, watch);
        body.Headers.ContentType = new MediaTypeHeaderValue(
            key.Value.EndsWith(".json", StringComparison.Ordinal) ? "application/json" : "application/octet-stream");
        if (_settings.Checksum == S3Checksum.Md5 || content.LengthBytes <= MaxAutoMd5Bytes)
        {
            body.Headers.ContentMD5 = content.LengthBytes <= MaxAutoMd5Bytes
                ? Md5(content, cancellationToken)
                : await Task.Run(() => Md5(content, cancellationToken), cancellationToken).ConfigureAwait(false);
        }

        using var request = _requests.ForObject(HttpMethod.Put, key);
        request.Content = body;
        request.Headers.ExpectContinue = content.LengthBytes >= ExpectContinueBytes;
        if (ifAbsent)
        {
            request.Headers.IfNoneMatch.Add(EntityTagHeaderValue.Any);
        }

        try
        {
            using var answer = await _requests.SendAsync(request, S3Action.Put, name, watch).ConfigureAwait(false);
            if (answer.IsSuccessStatusCode)
            {
                return PutOutcome.Created;
            }

            return ifAbsent && answer.StatusCode == HttpStatusCode.PreconditionFailed
                ? PutOutcome.AlreadyExists
                : throw await _requests.FailureAsync(answer, S3Action.Put, name, watch).ConfigureAwait(false);
        }
        finally
        {
            await body.EndAsync().ConfigureAwait(false);
        }
    }

    private async Task<CheckpointerException> AskWhyAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        using var watch = _requests.Watch(cancellationToken);
        using var request = _requests.ForObject(HttpMethod.Get, key);
        request.Headers.Range = new RangeHeaderValue(0, 0);
        using var answer = await _requests.SendAsync(request, S3Action.LookUp, _requests.Name(key), watch).ConfigureAwait(false);
        return answer.IsSuccessStatusCode || answer.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable
            ? _requests.Failures.Broken(
                S3Action.LookUp, _requests.Name(key), "the server refused to look it up and then to read it did not.", transient: true)
            : await _requests.FailureAsync(answer, S3Action.LookUp, _requests.Name(key), watch).ConfigureAwait(false);
    }

    private static byte[] Md5(ObjectContent content, CancellationToken cancellationToken)
    {
#pragma warning disable CA5351 // S3 defines Content-MD5, against accidents; no safety rests on it.
        using var md5 = IncrementalHash.CreateHash(HashAlgorithmName.MD5);
#pragma warning restore CA5351
        foreach (var segment in content.Segments)
        {
            cancellationToken.ThrowIfCancellationRequested();
            md5.AppendData(segment.Span);
        }

        return md5.GetHashAndReset();
    }
}
