using Checkpointer.Contracts.Stores;
using Checkpointer.Formats.Errors;
using Checkpointer.Service.Coordination;
using Checkpointer.Service.Stores;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace Checkpointer.Service.Health;

/// <summary>
/// Probes. Live: the process answers. Ready: it takes commands (the journal is replayed and can be written) and its store was
/// there a moment ago; that is looked at in the background, so that probing costs nothing and never hangs.
/// </summary>
internal static class HealthEndpoints
{
    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        _ = routes.MapGet("/healthz/live", () => TypedResults.Text("""{"status":"ok"}""", "application/json"))
            .WithTags("health").WithSummary("Whether the process answers.");
        _ = routes.MapGet("/healthz/ready", Ready)
            .WithTags("health")
            .WithSummary("Whether it takes commands and its object store is there.")
            .WithDescription(
                "200 if the journal is open and the store was proved at start to keep its contract and had repository.json at "
                + "the last look, a few seconds ago at most, which names the repository that the journal's checkpoints are in. "
                + "Otherwise a problem: service_unavailable (the journal) or a storage code (the store, with what is wrong). While "
                + "the store is away, or is another one, nothing is written to it and commits wait; joins of known runs and "
                + "restores from memory go on.");
        _ = routes.MapGet("/v1/store", (StoreGate gate) => TypedResults.Ok(gate.Describe()))
            .WithTags("store").WithSummary("The object store, the repository in it, and what is wrong with it.");
    }

    private static Ok<Readiness> Ready(RunHost host, StoreGate gate)
    {
        if (!host.IsReady)
        {
            throw new CheckpointerException(
                ErrorCode.ServiceUnavailable, "The journal is not open or has failed; the log says why.", isTransient: true);
        }

        var store = gate.Describe();
        return store.Ready
            ? TypedResults.Ok(new Readiness { Status = "ok", Store = store })
            : throw new CheckpointerException(
                ErrorCode.StorageUnavailable, $"store: {store.Description}: {store.Problem}", isTransient: true);
    }
}
