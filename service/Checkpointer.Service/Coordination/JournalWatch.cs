using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Service.Coordination;

/// <summary>Stops the process loudly when the journal can no longer be written: only a restart and a replay mend that.</summary>
internal sealed partial class JournalWatch(RunHost host, IHostApplicationLifetime lifetime, ILogger<JournalWatch> logger)
    : BackgroundService
{
    private const int ExitCode = 74; // EX_IOERR

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await host.Completion.WaitAsync(stoppingToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            LogStopping(e);
            Environment.ExitCode = ExitCode;
            lifetime.StopApplication();
        }
    }

    [LoggerMessage(1210, LogLevel.Critical, "The journal has failed: the service stops")]
    private partial void LogStopping(Exception exception);
}
