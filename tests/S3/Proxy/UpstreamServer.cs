using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Checkpointer.S3.Tests.Proxy;

/// <summary>A small HTTP server that keeps what is put and remembers what was asked: what the proxy is put in front of.</summary>
internal sealed class UpstreamServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private UpstreamServer(WebApplication app) => _app = app;

    public IPEndPoint Address { get; private set; } = null!;

    public ConcurrentDictionary<string, byte[]> Objects { get; } = new();

    /// <summary>What was asked, in order: method, target as it came, host.</summary>
    public ConcurrentQueue<(string Method, string Target, string Host)> Requests { get; } = new();

    /// <summary>The connections that requests came on.</summary>
    public ConcurrentDictionary<string, int> Connections { get; } = new();

    /// <summary>Lets the second half of <c>/slowly</c> go.</summary>
    public TaskCompletionSource Rest { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public static async Task<UpstreamServer> StartAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options =>
        {
            options.Listen(IPAddress.Loopback, 0);
            options.Limits.MaxRequestBodySize = null;
        });
        builder.Logging.ClearProviders();
        var app = builder.Build();
        var server = new UpstreamServer(app);
        app.Run(server.AnswerAsync);
        await app.StartAsync();
        server.Address = IPEndPoint.Parse(new Uri(app.Urls.Single()).Authority);
        return server;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        var target = context.Features.Get<IHttpRequestFeature>()!.RawTarget;
        Requests.Enqueue((context.Request.Method, target, context.Request.Host.Value!));
        Connections.AddOrUpdate(context.Connection.Id, 1, (_, count) => count + 1);
        switch (context.Request.Method)
        {
            case "PUT":
                await PutAsync(context, target);
                break;
            case "GET" when target == "/b/slowly":
                await context.Response.Body.WriteAsync("first"u8.ToArray());
                await context.Response.Body.FlushAsync();
                await Rest.Task;
                await context.Response.Body.WriteAsync("second"u8.ToArray());
                break;
            default:
                await GetAsync(context, target);
                break;
        }
    }

    private async Task PutAsync(HttpContext context, string target)
    {
        var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        var bytes = body.ToArray();
#pragma warning disable CA5351 // MD5 is what the protocol has against accidents.
        if (context.Request.Headers["Content-MD5"] is [{ } digest] && digest != Convert.ToBase64String(MD5.HashData(bytes)))
#pragma warning restore CA5351
        {
            context.Response.StatusCode = 400;
            return;
        }

        Objects[target] = bytes;
    }

    private async Task GetAsync(HttpContext context, string target)
    {
        if (!Objects.TryGetValue(target, out var bytes))
        {
            context.Response.StatusCode = 404;
            return;
        }

        context.Response.ContentLength = bytes.Length;
        if (context.Request.Method == "GET")
        {
            await context.Response.Body.WriteAsync(bytes);
        }
    }
}
