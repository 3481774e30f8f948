using Checkpointer.Formats.Errors;
using Checkpointer.Storage;
using Checkpointer.Storage.S3;

namespace Checkpointer.S3.Tests.Objects;

/// <summary>A server that stops in the middle of a body: the caller gets away at once, and gets its memory back.</summary>
public sealed class CancellationTests
{
    private const int Length = 8 << 20;

    private static readonly ObjectKey Key = new("runs/r/x");
    private static readonly S3Options Keys = new() { AccessKey = "AKIANOBODY", SecretKey = "hunter2" };
    private static readonly TimeSpan Prompt = TimeSpan.FromSeconds(10);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task PutAsync_CancelledInTheBody_ReturnsAtOnceAndLeavesTheMemoryAlone()
    {
        var within = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var left = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await ScriptedServer.StartAsync(async context =>
        {
            Assert.Equal(Length, context.Request.ContentLength);
            await context.Request.Body.ReadExactlyAsync(new byte[1000], Cancel);
            within.SetResult();
            await left.Task;
            await Assert.ThrowsAnyAsync<IOException>(() => context.Request.Body.CopyToAsync(Stream.Null, Cancel));
            gone.SetResult();
        });
        using var store = Bucket.Open(server.StoreUrl, Keys);
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var memory = new RevocableMemory(Length);

        var put = store.PutAsync(Key, new ObjectContent(memory.Memory), cancel.Token);
        await within.Task.WaitAsync(Prompt, Cancel);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => put.WaitAsync(Prompt, Cancel));
        memory.Revoke();
        left.SetResult();

        await gone.Task.WaitAsync(Prompt, Cancel);
        Assert.Equal(0, memory.Violations);
    }

    [Fact]
    public async Task ReadAsync_CancelledInTheBody_ReturnsAtOnceAndLeavesTheMemoryAlone()
    {
        var within = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await ScriptedServer.StartAsync(async context =>
        {
            context.RequestAborted.Register(gone.SetResult);
            context.Response.StatusCode = 206;
            context.Response.ContentLength = Length;
            context.Response.Headers.ContentRange = $"bytes 0-{Length - 1}/{Length}";
            await context.Response.Body.WriteAsync(new byte[1000], Cancel);
            await context.Response.Body.FlushAsync(Cancel);
            within.SetResult();
            await gone.Task;
        });
        using var store = Bucket.Open(server.StoreUrl, Keys);
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var memory = new RevocableMemory(Length);

        var read = store.ReadAsync(Key, 0, memory.Memory, cancel.Token);
        await within.Task.WaitAsync(Prompt, Cancel);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read.WaitAsync(Prompt, Cancel));
        memory.Revoke();

        await gone.Task.WaitAsync(Prompt, Cancel);
        Assert.Equal(0, memory.Violations);
    }

    [Fact]
    public async Task ReadAsync_ConnectionEndsInTheBody_IsUnavailable()
    {
        await using var server = await ScriptedServer.StartAsync(async context =>
        {
            context.Response.StatusCode = 206;
            context.Response.ContentLength = Length;
            context.Response.Headers.ContentRange = $"bytes 0-{Length - 1}/{Length}";
            await context.Response.Body.WriteAsync(new byte[1000], Cancel);
            await context.Response.Body.FlushAsync(Cancel);
        });
        using var store = Bucket.Open(server.StoreUrl, Keys);

        var failure = await Assert.ThrowsAsync<CheckpointerException>(() => store.ReadAsync(Key, 0, new byte[Length], Cancel));

        Assert.Equal((ErrorCode.StorageUnavailable, true), (failure.Code, failure.IsTransient));
        Assert.Contains($"(after 1000 of {Length} bytes)", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PutAsync_RefusedBeforeTheBody_SaysWhyAndSendsNoBody()
    {
        await using var server = await ScriptedServer.StartAsync(context => ScriptedServer.FailAsync(context, 503, "SlowDown"));
        using var store = Bucket.Open(server.StoreUrl, Keys);
        var memory = new RevocableMemory(64 << 20);
        var content = new ObjectContent(memory.Memory);
        memory.Revoke();

        var failure = await Assert.ThrowsAsync<CheckpointerException>(
            () => store.PutAsync(Key, content, Cancel));

        Assert.Equal(ErrorCode.StorageThrottled, failure.Code);
        Assert.Equal(0, memory.Violations);
    }
}
