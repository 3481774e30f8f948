using Checkpointer.Agent.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Checkpointer.Simulation.Network;

/// <summary>The server of one simulated process: takes requests from the simulated network instead of from sockets.</summary>
internal sealed class SimulatedServer : IServer
{
    private Func<Exchange, Audience?, Task<Answer>>? _serve;

    public SimulatedServer(string address)
    {
        var addresses = new ServerAddressesFeature();
        addresses.Addresses.Add(address);
        Features.Set<IServerAddressesFeature>(addresses);
    }

    public IFeatureCollection Features { get; } = new FeatureCollection();

    /// <summary>Whether it listens.</summary>
    public bool IsListening => _serve is not null;

    public Task StartAsync<TContext>(IHttpApplication<TContext> application, CancellationToken cancellationToken)
        where TContext : notnull
    {
        _serve = (exchange, audience) => ServeAsync(application, exchange, audience);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        _serve = null;
        return Task.CompletedTask;
    }

    public void Dispose() => _serve = null;

    /// <summary>Handles a request; the answer comes when the handler has ended.</summary>
    public Task<Answer> ServeAsync(Exchange exchange, Audience? audience) => _serve!(exchange, audience);

    private static async Task<Answer> ServeAsync<TContext>(
        IHttpApplication<TContext> application, Exchange exchange, Audience? audience)
        where TContext : notnull
    {
        var response = new ServerResponse(exchange);
        var context = application.CreateContext(FeaturesOf(exchange, audience, response));
        Exception? failure = null;
        try
        {
            await application.ProcessRequestAsync(context).ConfigureAwait(false);
            await response.CompleteAsync().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // As Kestrel does: an answer that has not begun is a 500.
            failure = e;
            response.StatusCode = StatusCodes.Status500InternalServerError;
        }

        application.DisposeContext(context, failure);
        return new Answer(
            response.StatusCode,
            [.. response.Headers.Select(header => KeyValuePair.Create(header.Key, header.Value.ToArray() as string[]))],
            response.Bytes);
    }

    private static FeatureCollection FeaturesOf(Exchange exchange, Audience? audience, ServerResponse response)
    {
        var features = new FeatureCollection();
        var headers = new HeaderDictionary { ["Host"] = exchange.Address.Authority };
        foreach (var (name, values) in exchange.Headers)
        {
            headers[name] = new StringValues(values);
        }

        if (exchange.BodyBytes is { } bytes)
        {
            headers.ContentLength = bytes;
        }

        features.Set<IHttpRequestFeature>(new HttpRequestFeature
        {
            Protocol = "HTTP/1.1",
            Scheme = "http",
            Method = exchange.Method,
            Path = Uri.UnescapeDataString(exchange.Address.AbsolutePath),
            QueryString = exchange.Address.Query,
            Headers = headers,
            Body = exchange.OpenBody(),
        });
        features.Set<IHttpResponseFeature>(response);
        features.Set<IHttpResponseBodyFeature>(response);
        features.Set<IHttpRequestLifetimeFeature>(new RequestLifetime(exchange));
        features.Set<IHttpRequestBodyDetectionFeature>(new RequestLimits(exchange));
        features.Set<IHttpMaxRequestBodySizeFeature>(new RequestLimits(exchange));
        if (audience is { } caller)
        {
            features.Mark(caller);
        }

        return features;
    }

    private sealed class RequestLifetime(Exchange exchange) : IHttpRequestLifetimeFeature
    {
        public CancellationToken RequestAborted { get; set; } = exchange.Aborted.Token;

        public void Abort() => exchange.Aborted.Cancel();
    }

    private sealed class RequestLimits(Exchange exchange) : IHttpRequestBodyDetectionFeature, IHttpMaxRequestBodySizeFeature
    {
        public bool CanHaveBody => exchange.HasBody;

        public bool IsReadOnly => false;

        public long? MaxRequestBodySize { get; set; }
    }
}
