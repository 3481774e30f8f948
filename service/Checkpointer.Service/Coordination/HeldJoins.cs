using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs.Commands;
using Checkpointer.Service.Stores;
using Checkpointer.Storage.CrashPoints;
using Microsoft.Extensions.Hosting;

namespace Checkpointer.Service.Coordination;

/// <summary>Holds joins while ranks are missing, at most as long as each permits.</summary>
internal sealed class HeldJoins(
    RunHost host, StoreGate gate, LostJournalGuard guard, TimeProvider timeProvider, IHostApplicationLifetime lifetime)
{
    /// <summary>Joins, and answers when the attempt is granted, the time is over, the service stops, or the join is refused.</summary>
    public async Task<JoinResult> JoinAsync(RunId run, JoinRun body, CancellationToken cancellationToken)
    {
        if (body.WaitMs is < 0 or > CoordinationLimits.MaxWaitMs)
        {
            throw new CheckpointerException(
                ErrorCode.InvalidRequest, $"wait_ms must be 0 to {CoordinationLimits.MaxWaitMs}; it is {body.WaitMs}.");
        }

        if (gate.Repository is { } repository && StoreMatch.Matches(body.Agent.Store, repository) == false)
        {
            var explanation = StoreMatch.Explain(body.Agent.Node, body.Agent.Store!, gate.Store, repository);
            return await host.TakeAsync(run, new RefuseStore(body, explanation), cancellationToken).ConfigureAwait(false);
        }

        var began = timeProvider.GetTimestamp();
        await guard.EnsureAsync(run, cancellationToken).ConfigureAwait(false);
        var command = new JoinRank(body);
        while (true)
        {
            // Taken before deciding: a grant between the two is not missed.
            var moved = host.BarrierMoved(run);
            var result = await host.TakeAsync(run, command, cancellationToken).ConfigureAwait(false);
            if (result.State == JoinState.Granted)
            {
                CrashPoint.Reach(CrashPointNames.PlanGranted);
            }

            var left = TimeSpan.FromMilliseconds(body.WaitMs) - timeProvider.GetElapsedTime(began);
            if (result.State == JoinState.Granted || left <= TimeSpan.Zero || lifetime.ApplicationStopping.IsCancellationRequested)
            {
                return result;
            }

            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lifetime.ApplicationStopping);
            try
            {
                await moved.WaitAsync(left, timeProvider, either.Token).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                return result;
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                return result;
            }
        }
    }
}
