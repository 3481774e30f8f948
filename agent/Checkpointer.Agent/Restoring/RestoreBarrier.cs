using Checkpointer.Agent.Reporting;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Agent.Restoring;

/// <summary>
/// Where ranks that have restored wait for all others: the report of a restore is repeated until the service decides. While
/// the service is away a rank waits longer, and nothing else happens.
/// </summary>
internal sealed class RestoreBarrier(ServiceClient service, RetryPause pause)
{
    /// <summary>How long the service is asked to hold each call but the first, in milliseconds.</summary>
    public const int HoldMs = 5_000;

    /// <summary>
    /// Reports until the answer is not pending; tells <paramref name="waitingFor"/> whom it waits for. Refusals are thrown:
    /// <c>stale_attempt</c> when a newer attempt has ended this one.
    /// </summary>
    public async Task<RestoreResult> PassAsync(
        RunId run, RestoreReport report, Action<IReadOnlyList<Rank>> waitingFor, CancellationToken cancellationToken)
    {
        // The first is answered at once, to know for whom it waits; then others are given time.
        for (var (failures, hold) = (0, 0); ;)
        {
            try
            {
                var result = await service.RestoreAsync(run, report with { WaitMs = hold }, cancellationToken);
                if (result.State != RestoreState.Pending)
                {
                    return result;
                }

                waitingFor(result.WaitingFor);
                (failures, hold) = (0, HoldMs);
            }
            catch (CheckpointerException e) when (RankOutbox.MayStillSucceed(e, failures))
            {
                await pause.WaitAsync(failures++, cancellationToken);
            }
        }
    }
}
