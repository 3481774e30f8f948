using Checkpointer.Formats.Errors;
using Checkpointer.Service.Coordination;
using Checkpointer.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Checkpointer.Service.Health;

/// <summary>Probes. Live: the process answers. Ready: it takes commands (the journal is replayed and can be written) and reaches its store.</summary>
internal static class HealthEndpoints
{
    private static readonly TimeSpan StoreTimeout = TimeSpan.FromSeconds(2);

    // Need not exist: reaching the store is enough.
    private static readonly ObjectKey Probe = new(RepositoryKeys.Runs + "probe");

    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        _ = routes.MapGet("/healthz/live", () => TypedResults.Text("""{"status":"ok"}""", "application/json"))
            .WithTags("health").WithSummary("Whether the process answers.");
        _ = routes.MapGet("/healthz/ready", ReadyAsync)
            .WithTags("health").WithSummary("Whether it takes commands and reaches its object store.");
    }

    private static async Task<IResult> ReadyAsync(
        RunHost host, IObjectStore store, TimeProvider timeProvider, CancellationToken cancellationToken)
    {
        if (!host.IsReady)
        {
            throw new CheckpointerException(
                ErrorCode.ServiceUnavailable, "The journal is not open or has failed; the log says why.", isTransient: true);
        }

        using var timeout = new CancellationTokenSource(StoreTimeout, timeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            _ = await store.HeadAsync(Probe, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new CheckpointerException(
                ErrorCode.StorageUnavailable, $"The object store ({store.Description}) does not answer.", isTransient: true);
        }

        return TypedResults.Text("""{"status":"ok"}""", "application/json");
    }
}
