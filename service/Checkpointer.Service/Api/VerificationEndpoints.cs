using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Coordination;
using Checkpointer.Service.Runs.Commands;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace Checkpointer.Service.Api;

/// <summary>What operators tell the service of checkpoints that they verified. The answer means that it is durable.</summary>
internal static class VerificationEndpoints
{
    public static void MapVerifications(this IEndpointRouteBuilder routes) =>
        _ = routes.MapPost("/v1/runs/{run}/checkpoints/{checkpoint}/verifications", RecordAsync)
            .WithTags("verifications").WithSummary("A committed checkpoint, written STEP.ATTEMPT, was read again from storage.");

    private static async Task<NoContent> RecordAsync(
        RunId run, CheckpointId checkpoint, VerificationReport body, RunHost host, CancellationToken cancellationToken)
    {
        _ = await host.TakeAsync(run, new RecordVerification(checkpoint, body), cancellationToken);
        return TypedResults.NoContent();
    }
}
