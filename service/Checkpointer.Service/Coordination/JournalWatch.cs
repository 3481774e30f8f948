using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Service.Coordination;

/// <summary>
/// Stops the host loudly when the journal can no longer be written or followed: only a restart and a replay mend that. The
/// exit status is the command's affair, which tells a host that stops by itself from one that was told to.
/// </summary>
internal sealed partial class JournalWatch(RunHost host, IHostApplicationLifetime lifetime, ILogger<JournalWatch> logger)
    : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await host.Completion.WaitAsync(stoppingToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            LogStopping(e);
            lifetime.StopApplication();
        }
    }

    [LoggerMessage(1210, LogLevel.Critical, "The journal has failed: the service stops")]
    private partial void LogStopping(Exception exception);
}
