using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Checkpointer.S3.Tests;

/// <summary>A server on loopback that answers as the test says.</summary>
internal sealed class ScriptedServer : IAsyncDisposable
{
    private readonly WebApplication _application;

    private ScriptedServer(WebApplication application) => _application = application;

    public Uri Endpoint => new(_application.Services.GetRequiredService<IServer>()
        .Features.Get<IServerAddressesFeature>()!.Addresses.Single());

    /// <summary>A store of bucket "models" on it.</summary>
    public string StoreUrl => $"s3://models?endpoint={Endpoint.GetLeftPart(UriPartial.Authority)}";

    public static async Task<ScriptedServer> StartAsync(RequestDelegate answer)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Listen(IPAddress.Loopback, 0);
        });
        var application = builder.Build();
        application.Run(answer);
        await application.StartAsync();
        return new ScriptedServer(application);
    }

    /// <summary>Answers with an S3 error.</summary>
    public static async Task FailAsync(HttpContext context, int status, string? code, string more = "")
    {
        context.Response.StatusCode = status;
        if (code is not null && context.Request.Method != "HEAD")
        {
            await context.Response.WriteAsync(
                $"<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>AKIANOBODY hunter2 X-Amz-Signature</Message>{more}<RequestId>req-1</RequestId></Error>");
        }
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _application.StopAsync(now.Token);
        await _application.DisposeAsync();
    }
}
