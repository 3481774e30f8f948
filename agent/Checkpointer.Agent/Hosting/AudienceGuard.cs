using Checkpointer.Formats.Errors;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Checkpointer.Agent.Hosting;

/// <summary>Keeps each listener to the routes of its audience: a peer never reaches a trainer's routes, nor the reverse.</summary>
internal static class AudienceGuard
{
    /// <summary>Marks what comes in at this listener.</summary>
    public static void For(this ListenOptions listener, Audience audience) => listener.Use(next => connection =>
    {
        connection.Features.Mark(audience);
        return next(connection);
    });

    /// <summary>Marks the features of a request, or of the connection that it inherits them from.</summary>
    public static void Mark(this IFeatureCollection features, Audience audience) => features.Set(new AudienceMark(audience));

    /// <summary>Marks a route.</summary>
    public static TBuilder For<TBuilder>(this TBuilder route, Audience audience)
        where TBuilder : IEndpointConventionBuilder => route.WithMetadata(new AudienceMark(audience));

    /// <summary>Put this behind routing.</summary>
    public static void UseAudienceGuard(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        if (context.GetEndpoint() is { } endpoint)
        {
            var wanted = endpoint.Metadata.GetMetadata<AudienceMark>();
            if (wanted is not null && context.Features.Get<AudienceMark>()?.Audience != wanted.Audience)
            {
                throw new CheckpointerException(ErrorCode.NotFound, "Nothing is at this address.");
            }
        }

        return next(context);
    });

    private sealed record AudienceMark(Audience Audience);
}
