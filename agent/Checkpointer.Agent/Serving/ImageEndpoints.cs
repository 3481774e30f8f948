using Checkpointer.Agent.Hosting;
using Checkpointer.Contracts;
using Checkpointer.Formats.Identity;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Checkpointer.Agent.Serving;

/// <summary>The routes of other agents. What they answer is in Checkpointer.Contracts/Images.</summary>
internal static class ImageEndpoints
{
    /// <summary>Adds the routes, for TCP only.</summary>
    public static void MapImages(this IEndpointRouteBuilder app)
    {
        var image = app.MapGroup("/v1/images/{run}/{rank}/{checkpoint}").For(Audience.Network);
        image.MapGet("", (RunId run, Rank rank, CheckpointId checkpoint, ImageServer images) =>
            Results.Json(images.Describe(run, rank, checkpoint), ContractsJsonContext.Default.ImageDescription));
        image.MapGet("/layout", (RunId run, Rank rank, CheckpointId checkpoint, ImageServer images) =>
            Results.Bytes(images.LayoutOf(run, rank, checkpoint), "application/json"));
        image.MapGet("/data", (HttpContext context, RunId run, Rank rank, CheckpointId checkpoint, ImageServer images) =>
            images.SendAsync(context, run, rank, checkpoint));
    }
}
