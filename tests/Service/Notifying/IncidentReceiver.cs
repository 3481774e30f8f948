using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Checkpointer.Contracts;
using Checkpointer.Contracts.Runs;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Service.Tests.Notifying;

/// <summary>A scheduler's end of the webhook: answers as it is told, and keeps what it was sent.</summary>
internal sealed class IncidentReceiver : IAsyncDisposable
{
    private readonly WebApplication _app;

    private IncidentReceiver()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        _app = builder.Build();
        _app.MapPost("/hook", async context =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            var notice = JsonSerializer.Deserialize(body.ToArray(), ContractsJsonContext.Default.IncidentNotice)!;
            var call = new Call(
                notice, body.ToArray(), context.Request.Headers["Checkpointer-Signature"].ToString(), context.Request.ContentType);
            context.Response.StatusCode = Answer(call);
            context.Response.Headers.Location = "/elsewhere";
            Calls.Enqueue(call);
        });
        _app.MapFallback(context =>
        {
            Strays.Enqueue(context.Request.Path);
            return Task.CompletedTask;
        });
    }

    /// <summary>The status of an answer.</summary>
    public Func<Call, int> Answer { get; set; } = _ => StatusCodes.Status204NoContent;

    /// <summary>Every call, in order.</summary>
    public ConcurrentQueue<Call> Calls { get; } = new();

    /// <summary>Calls of anything else.</summary>
    public ConcurrentQueue<string> Strays { get; } = new();

    public Uri Url => new(new Uri(_app.Urls.First()), "hook?token=hush-hush");

    public static async Task<IncidentReceiver> StartAsync()
    {
        var receiver = new IncidentReceiver();
        await receiver._app.StartAsync(TestContext.Current.CancellationToken);
        return receiver;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    internal sealed record Call(IncidentNotice Notice, byte[] Body, string Signature, string? ContentType)
    {
        public long Number => Notice.Incident.Number;
    }
}
