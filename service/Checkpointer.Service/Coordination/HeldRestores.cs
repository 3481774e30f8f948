using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs.Commands;
using Microsoft.Extensions.Hosting;

namespace Checkpointer.Service.Coordination;

/// <summary>Holds restore reports while other ranks are restoring, at most as long as each permits.</summary>
internal sealed class HeldRestores(RunHost host, TimeProvider timeProvider, IHostApplicationLifetime lifetime)
{
    /// <summary>
    /// Takes the report, and answers when all ranks have restored, the plan is replaced, the time is over, the service
    /// stops, or the report is refused, as it is when a newer attempt is granted.
    /// </summary>
    public async Task<RestoreResult> RestoreAsync(RunId run, RestoreReport body, CancellationToken cancellationToken)
    {
        var began = timeProvider.GetTimestamp();
        var command = new RecordRestore(body);
        while (true)
        {
            // Taken before deciding: what happens between the two is not missed.
            var moved = host.RestoreMoved(run);
            var result = await host.TakeAsync(run, command, cancellationToken).ConfigureAwait(false);
            var left = TimeSpan.FromMilliseconds(body.WaitMs ?? 0) - timeProvider.GetElapsedTime(began);
            if (result.State != RestoreState.Pending || left <= TimeSpan.Zero || lifetime.ApplicationStopping.IsCancellationRequested)
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
                // Decided once more: who is waited for has changed meanwhile.
                return await host.TakeAsync(run, command, cancellationToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                return result;
            }
        }
    }
}
