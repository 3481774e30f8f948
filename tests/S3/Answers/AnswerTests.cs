using System.Globalization;
using Checkpointer.Formats.Errors;
using Checkpointer.Storage;
using Checkpointer.Storage.S3;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;

namespace Checkpointer.S3.Tests.Answers;

/// <summary>What each answer of a server means: code, whether it passes by itself, and words.</summary>
public sealed class AnswerTests
{
    private static readonly ObjectKey Key = new("runs/r/x");
    private static readonly S3Options Keys = new() { AccessKey = "AKIANOBODY", SecretKey = "hunter2", SessionToken = "hunter2hunter2" };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(500, "InternalError", ErrorCode.StorageUnavailable, true, "passing trouble")]
    [InlineData(500, null, ErrorCode.StorageUnavailable, true, "passing trouble")]
    [InlineData(503, "ServiceUnavailable", ErrorCode.StorageUnavailable, true, "passing trouble")]
    [InlineData(502, null, ErrorCode.StorageUnavailable, true, "passing trouble")]
    [InlineData(408, "RequestTimeout", ErrorCode.StorageUnavailable, true, "did not arrive whole")]
    [InlineData(400, "RequestTimeout", ErrorCode.StorageUnavailable, true, "did not arrive whole")]
    [InlineData(400, "BadDigest", ErrorCode.StorageUnavailable, true, "did not arrive whole")]
    [InlineData(409, "OperationAborted", ErrorCode.StorageUnavailable, true, "another request")]
    [InlineData(409, "ConditionalRequestConflict", ErrorCode.StorageUnavailable, true, "another request")]
    [InlineData(503, "SlowDown", ErrorCode.StorageThrottled, true, "slow down")]
    [InlineData(429, null, ErrorCode.StorageThrottled, true, "slow down")]
    [InlineData(403, "QuotaExceeded", ErrorCode.StorageFull, false, "no room")]
    [InlineData(507, "XMinioStorageFull", ErrorCode.StorageFull, false, "no room")]
    [InlineData(404, "NoSuchBucket", ErrorCode.StorageFailed, false, "s3 mb s3://models")]
    [InlineData(404, null, ErrorCode.StorageFailed, false, "no S3 server")]
    [InlineData(301, "PermanentRedirect", ErrorCode.StorageFailed, false, "another region")]
    [InlineData(307, null, ErrorCode.StorageFailed, false, "another region")]
    [InlineData(400, "AuthorizationHeaderMalformed", ErrorCode.StorageFailed, false, "another region")]
    [InlineData(501, "NotImplemented", ErrorCode.StorageFailed, false, "cannot do that")]
    [InlineData(405, "MethodNotAllowed", ErrorCode.StorageFailed, false, "refused it")]
    [InlineData(412, "PreconditionFailed", ErrorCode.StorageFailed, false, "refused it")]
    [InlineData(403, "AccessDenied", ErrorCode.StorageDenied, false, "It needs s3:PutObject")]
    [InlineData(403, null, ErrorCode.StorageDenied, false, "It needs s3:PutObject")]
    [InlineData(401, null, ErrorCode.StorageDenied, false, "It needs s3:PutObject")]
    [InlineData(403, "SignatureDoesNotMatch", ErrorCode.StorageDenied, false, "does not belong to its access key")]
    [InlineData(403, "InvalidAccessKeyId", ErrorCode.StorageDenied, false, "does not know the access key")]
    [InlineData(400, "ExpiredToken", ErrorCode.StorageDenied, false, "has expired")]
    [InlineData(403, "ExpiredToken", ErrorCode.StorageDenied, false, "has expired")]
    public async Task PutAsync_Refused_SaysWhatItMeans(int status, string? code, ErrorCode expected, bool transient, string words)
    {
        await using var server = await ScriptedServer.StartAsync(context => ScriptedServer.FailAsync(context, status, code));
        using var store = Bucket.Open(server.StoreUrl, Keys);

        var failure = await Assert.ThrowsAsync<CheckpointerException>(
            () => store.PutAsync(Key, new ObjectContent(new byte[10]), Cancel));

        Assert.Equal((expected, transient), (failure.Code, failure.IsTransient));
        Assert.Contains(words, failure.Message, StringComparison.Ordinal);
        Assert.StartsWith(
            $"Could not put 'runs/r/x' in bucket 'models' at {server.Endpoint.GetLeftPart(UriPartial.Authority)}: ", failure.Message, StringComparison.Ordinal);
        Assert.Contains($"[HTTP {status}{(code is null ? "" : $" {code}")}]{(code is null ? "" : " [request req-1]")}", failure.Message, StringComparison.Ordinal);
        foreach (var secret in new[] { "AKIANOBODY", "hunter2", "X-Amz" })
        {
            Assert.DoesNotContain(secret, failure.ToString(), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(503, "SlowDown", "7", 7)]
    [InlineData(503, "ServiceUnavailable", "120", 120)]
    [InlineData(429, null, "999999", 3600)]
    [InlineData(503, "SlowDown", "Thu, 01 Jan 2026 00:00:30 GMT", 30)]
    [InlineData(503, "SlowDown", "Thu, 01 Jan 2015 00:00:00 GMT", 0)]
    [InlineData(503, "SlowDown", null, null)]
    public async Task EveryCall_RetryAfter_IsHandedOn(int status, string? code, string? header, int? seconds)
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
        await using var server = await ScriptedServer.StartAsync(context =>
        {
            if (header is not null)
            {
                context.Response.Headers.RetryAfter = header;
            }

            return ScriptedServer.FailAsync(context, status, code);
        });
        using var store = Bucket.Open(server.StoreUrl, Keys, time);

        foreach (var call in new Func<Task>[]
        {
            () => store.PutAsync(Key, new ObjectContent(new byte[10]), Cancel),
            () => store.ReadAsync(Key, 0, new byte[1], Cancel),
            () => store.HeadAsync(Key, Cancel),
            () => store.DeleteAsync(Key, Cancel),
        })
        {
            var failure = await Assert.ThrowsAsync<CheckpointerException>(call);
            Assert.True(failure.IsTransient);
            Assert.Equal(seconds, failure.RetryAfter?.TotalSeconds);
        }
    }

    [Theory]
    [InlineData(+20, "AccessDenied", "20 min ahead of")]
    [InlineData(-20, "AccessDenied", "20 min behind")]
    [InlineData(+3 * 60, "RequestTimeTooSkewed", "3 h ahead of")]
    [InlineData(0, "RequestTimeTooSkewed", "clocks of the servers behind the endpoint")]
    public async Task EveryCall_ClocksApart_SaysHowFar(int minutes, string code, string words)
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero).AddMinutes(minutes));
        await using var server = await ScriptedServer.StartAsync(context =>
        {
            context.Response.Headers.Date = "Thu, 01 Jan 2026 00:00:00 GMT";
            return ScriptedServer.FailAsync(context, 403, code);
        });
        using var store = Bucket.Open(server.StoreUrl, Keys, time);

        var failure = await Assert.ThrowsAsync<CheckpointerException>(() => store.HeadAsync(Key, Cancel));

        Assert.Equal(ErrorCode.StorageDenied, failure.Code);
        Assert.Contains(words, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PutAsync_AnotherRegion_NamesItFromHeaderOrBody()
    {
        await using var server = await ScriptedServer.StartAsync(context =>
        {
            context.Response.Headers["x-amz-bucket-region"] = context.Request.Method == "PUT" ? "eu-north-1" : default;
            return ScriptedServer.FailAsync(context, 301, "PermanentRedirect", "<Region>ap-east-1</Region>");
        });
        using var store = Bucket.Open(server.StoreUrl, Keys);

        var put = await Assert.ThrowsAsync<CheckpointerException>(() => store.PutAsync(Key, new ObjectContent(new byte[10]), Cancel));
        var read = await Assert.ThrowsAsync<CheckpointerException>(() => store.ReadAsync(Key, 0, new byte[1], Cancel));

        Assert.Contains("(region eu-north-1)", put.Message, StringComparison.Ordinal);
        Assert.Contains("(region ap-east-1)", read.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task HeadAsync_NotFoundWithoutABody_AsksWhetherItIsTheObjectOrTheBucket()
    {
        var code = "NoSuchKey";
        await using var server = await ScriptedServer.StartAsync(context => ScriptedServer.FailAsync(context, 404, code));
        using var store = Bucket.Open(server.StoreUrl, Keys);

        Assert.Null(await store.HeadAsync(Key, Cancel));
        code = "NoSuchBucket";
        Assert.Equal(
            ErrorCode.StorageFailed, (await Assert.ThrowsAsync<CheckpointerException>(() => store.HeadAsync(Key, Cancel))).Code);
    }

    /// <summary>Answers to HEAD have no body; a 503 or a 429 is the request to slow down all the same, and not asked about.</summary>
    [Theory]
    [InlineData(503, ErrorCode.StorageThrottled)]
    [InlineData(429, ErrorCode.StorageThrottled)]
    [InlineData(500, ErrorCode.StorageUnavailable)]
    [InlineData(502, ErrorCode.StorageUnavailable)]
    public async Task HeadAsync_RefusedWithoutABody_GoesByTheStatus(int status, ErrorCode expected)
    {
        var requests = 0;
        await using var server = await ScriptedServer.StartAsync(context =>
        {
            Interlocked.Increment(ref requests);
            return ScriptedServer.FailAsync(context, status, null);
        });
        using var store = Bucket.Open(server.StoreUrl, Keys);

        var failure = await Assert.ThrowsAsync<CheckpointerException>(() => store.HeadAsync(Key, Cancel));

        Assert.Equal((expected, true), (failure.Code, failure.IsTransient));
        Assert.Equal(1, requests);
    }

    /// <summary>Each answer is wrong in one way; none may end as a read that succeeded.</summary>
    [Theory]
    [InlineData(200, null, null, 10, false, "ignores Range")]
    [InlineData(206, null, null, 10, false, "ignores Range")]
    [InlineData(206, "bytes 0-9/100", null, 10, false, "the server gives 0 to 9")]
    [InlineData(206, "bytes 5-15/100", null, 11, false, "the server gives 5 to 15")]
    [InlineData(206, "bytes 5-13/100", null, 9, false, "the server gives 5 to 13")]
    [InlineData(206, "bytes 5-11/12", null, 7, false, "the object has 12 bytes and byte 14")]
    [InlineData(206, "bytes 5-14/100", "gzip", 10, false, "encoded")]
    [InlineData(206, "bytes 5-14/100", null, 9, true, "9 given")]
    [InlineData(206, "bytes 5-14/100", null, 11, true, "11 given")]
    [InlineData(416, "bytes */3", null, 0, false, "ends before")]
    public async Task ReadAsync_WrongAnswer_Fails(int status, string? range, string? encoding, int length, bool transient, string words)
    {
        await using var server = await ScriptedServer.StartAsync(async context =>
        {
            Assert.Equal("bytes=5-14", context.Request.Headers.Range);
            context.Response.StatusCode = status;
            if (range is not null)
            {
                context.Response.Headers.ContentRange = range;
            }

            if (encoding is not null)
            {
                context.Response.Headers.ContentEncoding = encoding;
            }

            context.Response.ContentLength = length;
            await context.Response.Body.WriteAsync(new byte[length], Cancel);
        });
        using var store = Bucket.Open(server.StoreUrl, Keys);
        var memory = Enumerable.Repeat((byte)7, 10).ToArray();

        var failure = await Assert.ThrowsAsync<CheckpointerException>(() => store.ReadAsync(Key, 5, memory, Cancel));

        Assert.Equal(
            (transient ? ErrorCode.StorageUnavailable : ErrorCode.StorageFailed, transient), (failure.Code, failure.IsTransient));
        Assert.Contains(words, failure.Message, StringComparison.Ordinal);
        Assert.All(memory, value => Assert.Equal(7, value));
    }

    [Theory]
    [InlineData("", true, "cannot be read")]
    [InlineData("<html/>", false, "no listing")]
    [InlineData("<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>", false, "not how to ask")]
    [InlineData("<ListBucketResult></ListBucketResult>", false, "whether there is more")]
    [InlineData("<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a</Key></Contents></ListBucketResult>", false, "without key, size")]
    [InlineData("<ListBucketResult><IsTruncated>false</IsTruncated>", true, "cannot be read")]
    [InlineData("<ListBucketResult><IsTruncated>false</IsTruncated>x", true, "cannot be read")]
    [InlineData("<!DOCTYPE x [<!ENTITY a \"b\">]><ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>", true, "cannot be read")]
    public async Task ListAsync_NoProperListing_Fails(string body, bool transient, string words)
    {
        await using var server = await ScriptedServer.StartAsync(context => context.Response.WriteAsync(body));
        using var store = Bucket.Open(server.StoreUrl, Keys);

        var failure = await Assert.ThrowsAsync<CheckpointerException>(() => CountAsync(store));

        Assert.Equal(
            (transient ? ErrorCode.StorageUnavailable : ErrorCode.StorageFailed, transient), (failure.Code, failure.IsTransient));
        Assert.Contains(words, failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new[] { "a", "b" }, new[] { "b", "c" })]
    [InlineData(new[] { "b", "a" }, new string[0])]
    public async Task ListAsync_KeysOutOfOrder_Fails(string[] first, string[] second)
    {
        await using var server = await ScriptedServer.StartAsync(context =>
            context.Response.WriteAsync(context.Request.Query.ContainsKey("continuation-token") ? Page(second, null) : Page(first, "next+/=")));
        using var store = Bucket.Open(server.StoreUrl, Keys);

        Assert.Contains(
            "does not list keys in order", (await Assert.ThrowsAsync<CheckpointerException>(() => CountAsync(store))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ListAsync_PageAtTheLimitAndOver_IsReadAndRefused()
    {
        var page = Page(["a"], null);
        var padding = 0;
        await using var server = await ScriptedServer.StartAsync(
            context => context.Response.WriteAsync(page + new string(' ', S3ListPage.MaxBytes - page.Length + padding)));
        using var store = Bucket.Open(server.StoreUrl, Keys);

        Assert.Equal(1, await CountAsync(store));
        padding = 1;
        Assert.Contains(
            "more than", (await Assert.ThrowsAsync<CheckpointerException>(() => CountAsync(store))).Message, StringComparison.Ordinal);
    }

    private static string Page(string[] keys, string? next) =>
        "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>models</Name>"
        + string.Concat(keys.Select(key => string.Create(
            CultureInfo.InvariantCulture,
            $"<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>x</ETag><Size>3</Size></Contents>")))
        + $"<IsTruncated>{(next is null ? "false" : "true")}</IsTruncated>"
        + (next is null ? "" : $"<NextContinuationToken>{next}</NextContinuationToken>") + "</ListBucketResult>";

    private static async Task<int> CountAsync(S3ObjectStore store)
    {
        var count = 0;
        await foreach (var _ in store.ListAsync("", Cancel))
        {
            count++;
        }

        return count;
    }
}
