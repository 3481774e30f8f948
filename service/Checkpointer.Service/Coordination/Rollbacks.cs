using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs.Commands;
using Checkpointer.Service.Runs.Rollbacks;
using Checkpointer.Storage;
using Checkpointer.Storage.Repository;

namespace Checkpointer.Service.Coordination;

/// <summary>Takes requests to go back; looks into the store if the target is so old that only its manifest knows its shards.</summary>
internal sealed class Rollbacks(RunHost host, IObjectStore store)
{
    /// <summary>What it came to; refusals are thrown.</summary>
    public async Task<Rollback> DecideAsync(RunId run, RequestRollback body, CancellationToken cancellationToken)
    {
        var old = body.DryRun
            ? null
            : await host.ReadAsync(run, state => RollbackTargets.FindForgotten(state, body.To), cancellationToken).ConfigureAwait(false);
        var recalled = old is { } checkpoint ? await RecallAsync(run, checkpoint, cancellationToken).ConfigureAwait(false) : null;
        return await host.TakeAsync(run, new RollBack(body, recalled), cancellationToken).ConfigureAwait(false);
    }

    private async Task<RecalledShards> RecallAsync(RunId run, CheckpointId checkpoint, CancellationToken cancellationToken)
    {
        try
        {
            return RecalledShards.Of(await new RepositoryReader(store).ReadManifestAsync(run, checkpoint, cancellationToken).ConfigureAwait(false));
        }
        catch (CheckpointerException e) when (e.Code is ErrorCode.NotFound or ErrorCode.ManifestCorrupt)
        {
            throw new CheckpointerException(
                ErrorCode.RestoreImpossible, $"Run {run} cannot go back to {checkpoint}: its manifest is missing or damaged. {e.Message}", inner: e);
        }
    }
}
