using System.Diagnostics;
using System.Reflection;
using Checkpointer.Storage.CrashPoints;

namespace Checkpointer.TestKit.Processes;

/// <summary>
/// Runs the test executable again as another process, optionally to die by SIGKILL at a crash point. The executable's
/// entry point hands its arguments to <see cref="TryRunAsync"/> first; a test calls <see cref="RunAsync"/>.
/// </summary>
public static class ChildProcess
{
    private const string Marker = "--child";

    /// <summary>
    /// If the arguments say that this process is a child, runs the program they name and returns its exit code;
    /// otherwise null, and the entry point goes on with the tests.
    /// </summary>
    public static async Task<int?> TryRunAsync(
        string[] arguments, IReadOnlyDictionary<string, Func<string[], Task<int>>> programs)
    {
        ArgumentNullException.ThrowIfNull(programs);
        return arguments is [Marker, var name, .. var rest] ? await programs[name](rest).ConfigureAwait(false) : null;
    }

    /// <summary>The command line that runs <paramref name="program"/> of this executable, to be put into another command.</summary>
    public static IReadOnlyList<string> CommandLine(string program, IReadOnlyList<string> arguments)
    {
        var executable = Environment.ProcessPath!;
        return Path.GetFileNameWithoutExtension(executable) == "dotnet"
            ? [executable, Assembly.GetEntryAssembly()!.Location, Marker, program, .. arguments]
            : [executable, Marker, program, .. arguments];
    }

    /// <summary>
    /// Runs <paramref name="program"/> to its end, armed to die at <paramref name="crashAt"/> if that is not null.
    /// Cancelling kills it.
    /// </summary>
    public static Task<ChildResult> RunAsync(
        string program, IReadOnlyList<string> arguments, string? crashAt, CancellationToken cancellationToken) =>
        ExecuteAsync(CommandLine(program, arguments), crashAt, cancellationToken);

    /// <summary>
    /// Runs any command to its end, with the changes of <paramref name="environment"/> (null removes a variable). Cancelling
    /// kills it and what it started.
    /// </summary>
    public static async Task<ChildResult> ExecuteAsync(
        IReadOnlyList<string> command,
        string? crashAt,
        CancellationToken cancellationToken,
        IReadOnlyDictionary<string, string?>? environment = null)
    {
        ArgumentNullException.ThrowIfNull(command);
        var start = new ProcessStartInfo(command[0], command.Skip(1))
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string?>())
        {
            start.Environment[name] = value;
        }

        start.Environment.Remove(CrashPoint.EnvironmentVariable);
        if (crashAt is not null)
        {
            start.Environment[CrashPoint.EnvironmentVariable] = crashAt;
        }

        using var process = Process.Start(start)!;
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
            var error = process.StandardError.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
            return new ChildResult(
                process.ExitCode, await output.ConfigureAwait(false), await error.ConfigureAwait(false));
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }
}
