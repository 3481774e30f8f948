using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Authentication;
using Checkpointer.Formats.Errors;

namespace Checkpointer.Storage.S3;

/// <summary>
/// What an answer or a broken connection means: code, whether it passes by itself, and words that say what happened to
/// which object and what to do. No message holds a key, a token, a URL's query, or free text of the server.
/// </summary>
internal sealed class S3Failures(S3Settings settings, S3CredentialSource credentials, TimeProvider timeProvider)
{
    /// <summary>From what difference on a refusal is put down to the clocks: servers tolerate 15 min, signatures last as long.</summary>
    private static readonly TimeSpan SuspiciousSkew = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan LongestRetryAfter = TimeSpan.FromHours(1);

    private readonly string _endpoint = settings.Endpoint.GetLeftPart(UriPartial.Authority);

    /// <summary>The failure that a final answer other than success means.</summary>
    public CheckpointerException FromAnswer(S3Action action, string what, HttpResponseMessage answer, S3Error error)
    {
        if (Denial(action, answer, error) is { } denial)
        {
            credentials.Refused();
            return New(ErrorCode.StorageDenied, false, action, what, denial, answer, error);
        }

        var (code, transient, text) = Meaning((int)answer.StatusCode, answer, error);
        return New(code, transient, action, what, text, answer, error);
    }

    /// <summary>The failure that a request without an answer, or with half of one, means.</summary>
    public CheckpointerException FromTransport(S3Action action, string what, Exception failure)
    {
        var (code, text) = failure switch
        {
            OperationCanceledException => (
                ErrorCode.StorageUnavailable, $"no connection within {settings.ConnectTimeout.TotalSeconds:0.#} s. Check the network and the endpoint."),
            HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError } => (
                ErrorCode.StorageUnavailable,
                $"the name {Host} cannot be resolved. Check the endpoint and DNS"
                + (settings.HostStyle ? "; where there is no DNS name for every bucket, use addressing=path." : ".")),
            HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } when IsCertificateRefused(failure) => (
                ErrorCode.StorageFailed,
                $"its certificate is not trusted: {Reason(failure)} "
                + (settings.CaFile is null
                    ? "If a private authority issued it, name the authority's PEM file in ca_file (or AWS_CA_BUNDLE)."
                    : $"'{settings.CaFile}' (ca_file) must hold the authority that issued it, and it must be made out to {Host}.")),
            HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } => (
                ErrorCode.StorageUnavailable,
                $"no TLS connection: {Reason(failure)} If this stays so, see whether the endpoint speaks TLS at all, or is http://."),
            _ when Find<SocketException>(failure) is { SocketErrorCode: SocketError.ConnectionRefused } => (
                ErrorCode.StorageUnavailable, "nothing answers there (connection refused). Check that the server runs and the endpoint's port."),
            _ => (ErrorCode.StorageUnavailable, $"the connection broke: {Reason(failure)}"),
        };
        return New(code, code == ErrorCode.StorageUnavailable, action, what, text, null, default, failure);
    }

    /// <summary>The failure of a request of which nothing moved any more.</summary>
    public CheckpointerException Stalled(S3Action action, string what, StallWatch watch, Exception failure) => New(
        ErrorCode.StorageUnavailable,
        true,
        action,
        what,
        $"{watch.Progress}, then nothing moved for {settings.IdleTimeout.TotalSeconds:0.#} s.",
        null,
        default,
        failure);

    /// <summary>An answer that is a success by its status and wrong in itself.</summary>
    public CheckpointerException Broken(S3Action action, string what, string text, bool transient) =>
        New(transient ? ErrorCode.StorageUnavailable : ErrorCode.StorageFailed, transient, action, what, text, null, default);

    /// <summary>The failure of an object that does not exist.</summary>
    public CheckpointerException NotFound(S3Action action, string what) =>
        New(ErrorCode.NotFound, false, action, what, "there is no such object.", null, default);

    private string Host => settings.HostStyle ? $"{settings.Bucket}.{settings.Endpoint.Host}" : settings.Endpoint.Host;

    private (ErrorCode Code, bool Transient, string Text) Meaning(int status, HttpResponseMessage answer, S3Error error) => (status, error.Code) switch
    {
        (_, "NoSuchBucket") => (
            ErrorCode.StorageFailed,
            false,
            $"the bucket does not exist there. Make it (aws --endpoint-url {_endpoint} s3 mb s3://{settings.Bucket}), or mend its name or the endpoint."),
        (_, "QuotaExceeded" or "XMinioStorageFull" or "XMinioAdminBucketQuotaExceeded" or "InsufficientStorage") or (507, _) => (
            ErrorCode.StorageFull, false, "there is no room left, or a quota is used up. Free space or raise the quota."),
        (_, "SlowDown" or "SlowDownRead" or "SlowDownWrite" or "Throttling" or "RequestLimitExceeded" or "TooManyRequests") or (429, _) => (
            ErrorCode.StorageThrottled, true, "the server asks to slow down."),
        (503, null) when answer.RequestMessage?.Method == HttpMethod.Head => (
            // The answer has no body to say which; S3 knows two errors with this status, and both ask for fewer requests.
            ErrorCode.StorageThrottled, true, "the server asks to slow down, or is not available."),
        (_, "BadDigest" or "IncompleteBody" or "RequestTimeout" or "XAmzContentChecksumMismatch") => (
            ErrorCode.StorageUnavailable, true, "the body did not arrive whole and unchanged, so nothing was stored."),
        (_, "OperationAborted" or "ConditionalRequestConflict") => (
            ErrorCode.StorageUnavailable, true, "another request was changing the same object."),
        (404, "NoSuchKey" or "NoSuchVersion" or "NotFound") => (ErrorCode.NotFound, false, "there is no such object."),
        (416, _) => (ErrorCode.StorageFailed, false, "the object ends before the bytes that were asked for begin."),
        (_, "PermanentRedirect" or "TemporaryRedirect" or "AuthorizationHeaderMalformed" or "AuthorizationQueryParametersError"
            or "IllegalLocationConstraintException") or ( >= 300 and < 400, _) => (
            ErrorCode.StorageFailed, false, $"the bucket is in another region or at another endpoint{WhereInstead(answer, error)}. Set region and endpoint to the bucket's."),
        (501, _) => (ErrorCode.StorageFailed, false, "the server cannot do that. Use a server that has conditional writes (see the S3 notes)."),
        (404, null) => (ErrorCode.StorageFailed, false, "what answers there is no S3 server. Check the endpoint."),
        (408 or >= 500, _) => (ErrorCode.StorageUnavailable, true, "the server has a passing trouble of its own."),
        _ => (ErrorCode.StorageFailed, false, "the server refused it."),
    };

    private string? Denial(S3Action action, HttpResponseMessage answer, S3Error error)
    {
        var expired = error.Code is "ExpiredToken" or "TokenRefreshRequired" or "InvalidToken";
        var unknown = error.Code is "InvalidAccessKeyId";
        if (!expired && !unknown
            && (answer.StatusCode is not (HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
                || error.Code is "QuotaExceeded" or "XMinioAdminBucketQuotaExceeded"))
        {
            return null;
        }

        if (SkewText(answer, error) is { } skew)
        {
            return skew;
        }

        return error.Code switch
        {
            _ when expired => $"the session token of {credentials.Description} has expired or is not valid. Renew the keys; a file's are taken over without a restart.",
            _ when unknown => $"the server does not know the access key of {credentials.Description}. Check that the keys are this server's and were not deleted.",
            "SignatureDoesNotMatch" => $"the secret key of {credentials.Description} does not belong to its access key. Check both (and that no proxy changes requests).",
            _ => $"the keys of {credentials.Description} do not permit it. It needs {action.Permission} (the S3 notes have the whole policy).",
        };
    }

    private string? SkewText(HttpResponseMessage answer, S3Error error)
    {
        if (answer.Headers.Date is not { } theirs)
        {
            return error.Code == "RequestTimeTooSkewed" ? "this machine's clock and the server's are too far apart. Set them right (NTP)." : null;
        }

        var ahead = timeProvider.GetUtcNow() - theirs;
        if (error.Code != "RequestTimeTooSkewed" && ahead.Duration() < SuspiciousSkew)
        {
            return null;
        }

        var apart = ahead.Duration();
        return apart < TimeSpan.FromSeconds(2)
            ? "the server says that this machine's clock differs too much from its own, though its answer's date does not. Check the clocks of the servers behind the endpoint."
            : $"this machine's clock is {InWords(apart)} "
                + $"{(ahead > TimeSpan.Zero ? "ahead of" : "behind")} the server's, so it refuses what is signed here. Set the clock right (NTP).";
    }

    private CheckpointerException New(
        ErrorCode code, bool transient, S3Action action, string what, string text, HttpResponseMessage? answer, S3Error error, Exception? inner = null)
    {
        var status = answer is null
            ? ""
            : $" [HTTP {(int)answer.StatusCode}{(error.Code is null ? "" : $" {error.Code}")}]";
        return new CheckpointerException(
            code, $"Could not {action.Verb} {what} in bucket '{settings.Bucket}' at {_endpoint}: {text}{status}", transient, inner)
        {
            RequestId = error.RequestId,
            RetryAfter = transient && answer is not null ? RetryAfter(answer.Headers.RetryAfter) : null,
        };
    }

    private TimeSpan? RetryAfter(RetryConditionHeaderValue? header)
    {
        var wait = header?.Delta ?? (header?.Date - timeProvider.GetUtcNow());
        return wait is not { } time ? null : time < TimeSpan.Zero ? TimeSpan.Zero : time > LongestRetryAfter ? LongestRetryAfter : time;
    }

    private static string InWords(TimeSpan time) => time.TotalMinutes < 2
        ? $"{time.TotalSeconds:0} s"
        : time.TotalHours < 2 ? $"{time.TotalMinutes:0} min" : time.TotalDays < 2 ? $"{time.TotalHours:0} h" : $"{time.TotalDays:0} days";

    private static string WhereInstead(HttpResponseMessage answer, S3Error error)
    {
        var region = answer.Headers.TryGetValues("x-amz-bucket-region", out var values) ? values.First() : error.Region;
        return region is { Length: > 0 and <= 64 } && region.All(c => char.IsAsciiLetterOrDigit(c) || c == '-') ? $" (region {region})" : "";
    }

    private static bool IsCertificateRefused(Exception failure) =>
        Find<AuthenticationException>(failure)?.Message.Contains("certificate", StringComparison.OrdinalIgnoreCase) == true;

    private static string Reason(Exception failure)
    {
        while (failure.InnerException is { } inner)
        {
            failure = inner;
        }

        return $"{failure.Message.TrimEnd('.')}.";
    }

    private static T? Find<T>(Exception failure)
        where T : Exception
    {
        for (var at = failure; at is not null; at = at.InnerException)
        {
            if (at is T found)
            {
                return found;
            }
        }

        return null;
    }
}
