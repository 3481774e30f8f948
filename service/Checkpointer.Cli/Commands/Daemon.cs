using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Cli.Commands;

/// <summary>Runs a host until a signal, and turns what keeps it from running into a message and an exit status.</summary>
internal static class Daemon
{
    private const string HostCategory = "Microsoft.Extensions.Hosting.Internal.Host";

    private static volatile bool _started;

    /// <summary>A line of the log for each event, with UTC times; signals are the command line's affair.</summary>
    public static void Configure(WebApplicationBuilder builder)
    {
        builder.Logging.ClearProviders();
        builder.Logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.UseUtcTimestamp = true;
            console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
        });
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        builder.Logging.AddFilter("System.Net.Http", LogLevel.Warning);
        // What keeps a host from starting is told in one line, here; the host would log it as well, with its stack.
        builder.Logging.AddFilter(HostCategory, level => level >= (_started ? LogLevel.Information : LogLevel.Critical));
        builder.Services.AddSingleton<IHostLifetime, CommandLifetime>();
    }

    /// <summary>Builds and runs the host. A host that stops although nobody told it to has failed; its log says why.</summary>
    public static async Task<int> RunAsync(Func<WebApplication> build, CancellationToken cancellationToken)
    {
        try
        {
            await using var host = build();
            await host.StartAsync(cancellationToken).ConfigureAwait(false);
            _started = true;
            await host.WaitForShutdownAsync(cancellationToken).ConfigureAwait(false);
            return cancellationToken.IsCancellationRequested ? ExitCode.Success : ExitCode.Failure;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return ExitCode.Interrupted;
        }
    }

    // The host would listen for signals by itself; then its end could not be told from a failure.
    private sealed class CommandLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
