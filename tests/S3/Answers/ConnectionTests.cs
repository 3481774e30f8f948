using System.Net;
using System.Net.Sockets;
using Checkpointer.Formats.Errors;
using Checkpointer.Storage;
using Checkpointer.Storage.S3;
using Microsoft.AspNetCore.Http;

namespace Checkpointer.S3.Tests.Answers;

/// <summary>No answer at all, or half of one.</summary>
public sealed class ConnectionTests
{
    private static readonly ObjectKey Key = new("runs/r/x");
    private static readonly S3Options Keys = new() { AccessKey = "AKIANOBODY", SecretKey = "hunter2" };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task EveryCall_NothingListens_IsUnavailable()
    {
        int port;
        using (var listener = new Socket(SocketType.Stream, ProtocolType.Tcp))
        {
            listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        }

        await UnavailableAsync($"s3://models?endpoint=http://127.0.0.1:{port}", Keys, "connection refused");
    }

    [Fact]
    public Task EveryCall_NoSuchHost_IsUnavailable() =>
        UnavailableAsync("s3://models?endpoint=http://no-such-host.invalid", Keys, "the name no-such-host.invalid cannot be resolved");

    [Fact]
    public Task EveryCall_NoNameForTheBucket_RecommendsPaths() =>
        UnavailableAsync("s3://models?endpoint=http://no-such-host.invalid&addressing=host", Keys, "use addressing=path");

    [Fact]
    public async Task EveryCall_NoConnectionInTime_IsUnavailable()
    {
        using var store = S3ObjectStore.Open(
            S3Settings.Resolve(
                new StoreOptions { Url = "s3://models?endpoint=http://127.0.0.1", S3 = Keys with { ConnectTimeout = TimeSpan.FromSeconds(1) } }, _ => null),
            TimeProvider.System,
            async (_, token) =>
            {
                await Task.Delay(Timeout.Infinite, token);
                throw new InvalidOperationException();
            });

        var failure = await Assert.ThrowsAsync<CheckpointerException>(() => store.HeadAsync(Key, Cancel));

        Assert.Equal((ErrorCode.StorageUnavailable, true), (failure.Code, failure.IsTransient));
        Assert.Contains("no connection within 1 s", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("PUT")]
    [InlineData("GET")]
    [InlineData("HEAD")]
    [InlineData("DELETE")]
    [InlineData("LIST")]
    public async Task EveryCall_ConnectionBreaks_IsUnavailable(string call)
    {
        await using var server = await ScriptedServer.StartAsync(async context =>
        {
            if (call == "LIST")
            {
                context.Response.ContentLength = 1000;
                await context.Response.WriteAsync("<ListBucketResult>");
                await context.Response.Body.FlushAsync(Cancel);
            }

            context.Abort();
        });
        using var store = Bucket.Open(server.StoreUrl, Keys);

        var failure = await Assert.ThrowsAsync<CheckpointerException>(() => call switch
        {
            "PUT" => store.PutAsync(Key, new ObjectContent(new byte[10]), Cancel),
            "GET" => store.ReadAsync(Key, 0, new byte[1], Cancel),
            "HEAD" => store.HeadAsync(Key, Cancel),
            "DELETE" => store.DeleteAsync(Key, Cancel),
            _ => store.ListAsync("", Cancel).GetAsyncEnumerator(Cancel).MoveNextAsync().AsTask(),
        });

        Assert.Equal((ErrorCode.StorageUnavailable, true), (failure.Code, failure.IsTransient));
        Assert.Contains("the connection broke: ", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("X-Amz", failure.ToString(), StringComparison.Ordinal);
    }

    /// <summary>What must go as it is: no redirect followed, nothing unpacked, no cookie kept, no call made twice.</summary>
    [Fact]
    public async Task PutAsync_Request_IsWhatItIsMeantToBe()
    {
        var requests = new List<(string Method, string Length, string Md5, string Condition, string Expect, string Cookie, string Encoding)>();
        await using var server = await ScriptedServer.StartAsync(async context =>
        {
            var headers = context.Request.Headers;
            requests.Add((
                context.Request.Method, headers.ContentLength.ToString()!, headers.ContentMD5.ToString(), headers.IfNoneMatch.ToString(),
                headers.Expect.ToString(), headers.Cookie.ToString(), headers.AcceptEncoding.ToString()));
            await context.Request.Body.CopyToAsync(Stream.Null, Cancel);
            context.Response.Headers.SetCookie = "a=b; path=/";
        });
        using var store = Bucket.Open(server.StoreUrl, Keys);
        using var always = Bucket.Open(server.StoreUrl + "&checksum=md5", Keys);
        const int limit = S3ObjectStore.MaxAutoMd5Bytes;

        await store.PutIfAbsentAsync(Key, new ObjectContent("abc"u8.ToArray()), Cancel);
        await store.PutAsync(Key, new ObjectContent(ReadOnlyMemory<byte>.Empty), Cancel);
        await store.PutAsync(Key, new ObjectContent(new byte[limit]), Cancel);
        await store.PutAsync(Key, new ObjectContent(new byte[limit + 1]), Cancel);
        await always.PutAsync(Key, new ObjectContent([new byte[limit], new byte[1]]), Cancel);

        Assert.Equal(("PUT", "3", "kAFQmDzST7DWlj99KOF/cg==", "*", "", "", ""), requests[0]);
        Assert.Equal(("PUT", "0", "1B2M2Y8AsgTpgAmY7PhCfg==", "", "", "", ""), requests[1]);
        Assert.Equal(("PUT", $"{limit}", true, "100-continue"), (requests[2].Method, requests[2].Length, requests[2].Md5.Length > 0, requests[2].Expect));
        Assert.Equal(("PUT", $"{limit + 1}", "", "100-continue"), (requests[3].Method, requests[3].Length, requests[3].Md5, requests[3].Expect));
        Assert.Equal(Convert.ToBase64String(Md5(limit + 1)), requests[4].Md5);
        Assert.Equal(5, requests.Count);
    }

    private static byte[] Md5(int zeros)
    {
#pragma warning disable CA5351 // as S3 defines
        return System.Security.Cryptography.MD5.HashData(new byte[zeros]);
#pragma warning restore CA5351
    }

    private static async Task UnavailableAsync(string url, S3Options keys, string words)
    {
        using var store = Bucket.Open(url, keys);

        var failure = await Assert.ThrowsAsync<CheckpointerException>(() => store.HeadAsync(Key, Cancel));

        Assert.Equal((ErrorCode.StorageUnavailable, true), (failure.Code, failure.IsTransient));
        Assert.Contains(words, failure.Message, StringComparison.Ordinal);
        Assert.StartsWith("Could not look up 'runs/r/x' in bucket 'models' at http://", failure.Message, StringComparison.Ordinal);
    }
}
