using Checkpointer.Formats.Errors;
using Checkpointer.Storage;
using Checkpointer.Storage.S3;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;

namespace Checkpointer.S3.Tests.Answers;

/// <summary>A server of which nothing comes any more, before or within a body, is given up; a slow one is not.</summary>
public sealed class StallTests
{
    private const int Length = 32 << 20;

    private static readonly ObjectKey Key = new("runs/r/x");
    private static readonly S3Options Impatient = new()
    {
        AccessKey = "AKIANOBODY",
        SecretKey = "hunter2",
        IdleTimeout = TimeSpan.FromSeconds(2),
    };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("PUT", false, " of 32 MiB, then nothing moved for 2 s.")]
    [InlineData("PUT", true, " of 32 MiB, then nothing moved for 2 s.")]
    [InlineData("GET", false, ": sent the request, then nothing moved for 2 s.")]
    [InlineData("GET", true, ": received 1.5 KiB of 32 MiB, then nothing moved for 2 s.")]
    [InlineData("LIST", false, ": sent the request, then nothing moved for 2 s.")]
    [InlineData("LIST", true, ": received 17 bytes of 1000 bytes, then nothing moved for 2 s.")]
    [InlineData("HEAD", false, ": sent the request, then nothing moved for 2 s.")]
    [InlineData("DELETE", false, ": sent the request, then nothing moved for 2 s.")]
    public async Task EveryCall_ServerHangs_IsGivenUp(string call, bool isWithin, string words)
    {
        await using var server = await ScriptedServer.StartAsync(async context =>
        {
            if (isWithin)
            {
                await BeginAsync(context, call);
            }

            await GoneAsync(context);
        });
        using var store = Bucket.Open(server.StoreUrl, Impatient);

        var failure = await Assert.ThrowsAsync<CheckpointerException>(() => CallAsync(store, call, Cancel).WaitAsync(TimeSpan.FromSeconds(20), Cancel));

        Assert.Equal((ErrorCode.StorageUnavailable, true), (failure.Code, failure.IsTransient));
        Assert.True(failure.Message.Contains(words, StringComparison.Ordinal), failure.Message);
        if (call == "PUT")
        {
            Assert.Contains(": sent ", failure.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("PUT")]
    [InlineData("GET")]
    [InlineData("LIST")]
    public async Task EveryCall_CancelledInAHang_IsCancelled(string call)
    {
        var within = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await ScriptedServer.StartAsync(context =>
        {
            within.SetResult();
            return GoneAsync(context);
        });
        using var store = Bucket.Open(server.StoreUrl, Impatient);
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Cancel);

        var calling = CallAsync(store, call, cancel.Token);
        await within.Task.WaitAsync(Cancel);
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => calling.WaitAsync(TimeSpan.FromSeconds(20), Cancel));
    }

    /// <summary>A refusal whose body hangs: the status alone has to do.</summary>
    [Fact]
    public async Task ReadAsync_ErrorBodyHangs_GoesByTheStatus()
    {
        await using var server = await ScriptedServer.StartAsync(async context =>
        {
            context.Response.StatusCode = 429;
            context.Response.ContentLength = 1000;
            await context.Response.WriteAsync("<Error>", Cancel);
            await GoneAsync(context);
        });
        using var store = Bucket.Open(server.StoreUrl, Impatient);

        var failure = await Assert.ThrowsAsync<CheckpointerException>(() => CallAsync(store, "GET", Cancel).WaitAsync(TimeSpan.FromSeconds(20), Cancel));

        Assert.Equal(ErrorCode.StorageThrottled, failure.Code);
    }

    /// <summary>Each takes twice as long as nothing may move; the put's answer comes late besides, which is the server's to take.</summary>
    [Theory]
    [InlineData("PUT")]
    [InlineData("GET")]
    [InlineData("LIST")]
    public async Task EveryCall_InDrips_GoesThrough(string call)
    {
        await using var server = await ScriptedServer.StartAsync(context => DripAsync(context, call));
        using var store = Bucket.Open(server.StoreUrl, Impatient);

        await CallAsync(store, call, Cancel);
    }

    [Fact]
    public async Task Watch_LooksOnlyWhileSomethingHasToMove()
    {
        var time = new FakeTimeProvider();
        using var watch = new StallWatch(TimeSpan.FromSeconds(30), time, Cancel);

        time.Advance(TimeSpan.FromSeconds(45));
        watch.Sending(256 << 20);
        for (var slices = 0; slices < 4; slices++)
        {
            time.Advance(TimeSpan.FromSeconds(29));
            watch.Sent(1 << 20);
        }

        watch.SentAll();
        time.Advance(TimeSpan.FromMinutes(5));
        Assert.False(watch.Token.IsCancellationRequested);

        watch.Receiving(null);
        watch.Sent(5); // of a body that an early answer overtook
        time.Advance(TimeSpan.FromSeconds(29));
        Assert.False(watch.IsStalled);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(watch.IsStalled && watch.Token.IsCancellationRequested && !Cancel.IsCancellationRequested);
        Assert.Equal("received 0 bytes", watch.Progress);
    }

    private static Task CallAsync(S3ObjectStore store, string call, CancellationToken cancellationToken) => call switch
    {
        "PUT" => store.PutAsync(Key, new ObjectContent(new byte[Length]), cancellationToken),
        "GET" => store.ReadAsync(Key, 0, new byte[Length], cancellationToken),
        "HEAD" => store.HeadAsync(Key, cancellationToken),
        "DELETE" => store.DeleteAsync(Key, cancellationToken),
        _ => store.ListAsync("", cancellationToken).GetAsyncEnumerator(cancellationToken).MoveNextAsync().AsTask(),
    };

    private static async Task GoneAsync(HttpContext context)
    {
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = context.RequestAborted.Register(gone.SetResult);
        await gone.Task;
    }

    private static async Task BeginAsync(HttpContext context, string call)
    {
        if (call == "PUT")
        {
            await context.Request.Body.ReadExactlyAsync(new byte[3 << 20], Cancel);
            return;
        }

        Promise(context, call);
        await context.Response.Body.WriteAsync(call == "LIST" ? "<ListBucketResult"u8.ToArray() : new byte[1536], Cancel);
        await context.Response.Body.FlushAsync(Cancel);
    }

    private static void Promise(HttpContext context, string call)
    {
        if (call == "LIST")
        {
            context.Response.ContentLength = 1000;
            return;
        }

        context.Response.StatusCode = 206;
        context.Response.ContentLength = Length;
        context.Response.Headers.ContentRange = $"bytes 0-{Length - 1}/{Length}";
    }

    private static async Task DripAsync(HttpContext context, string call)
    {
        const int drips = 40;
        var pause = TimeSpan.FromMilliseconds(100);
        if (call == "PUT")
        {
            for (var drip = 0; drip < drips; drip++)
            {
                await context.Request.Body.ReadExactlyAsync(new byte[Length / drips], Cancel);
                await Task.Delay(pause, Cancel);
            }

            await context.Request.Body.CopyToAsync(Stream.Null, Cancel);
            await Task.Delay(Impatient.IdleTimeout * 2, Cancel);
            return;
        }

        Promise(context, call);
        var body = call == "LIST"
            ? System.Text.Encoding.UTF8.GetBytes("<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>".PadRight(1000))
            : new byte[Length];
        for (var drip = 0; drip < drips; drip++)
        {
            await context.Response.Body.WriteAsync(body.AsMemory(body.Length / drips * drip, body.Length / drips), Cancel);
            await context.Response.Body.FlushAsync(Cancel);
            await Task.Delay(pause, Cancel);
        }

        await context.Response.Body.WriteAsync(body.AsMemory(body.Length / drips * drips), Cancel);
    }
}
