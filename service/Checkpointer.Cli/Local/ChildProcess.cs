using System.Diagnostics;

namespace Checkpointer.Cli.Local;

/// <summary>A program that the demo started, its output in a log file. Disposing kills it with all its descendants.</summary>
internal sealed class ChildProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Task _logging;

    private ChildProcess(Process process, string name, string logFile)
    {
        _process = process;
        Name = name;
        LogFile = logFile;
        _logging = LogAsync(process, logFile);
    }

    /// <summary>What it is, for messages.</summary>
    public string Name { get; }

    /// <summary>Where its output goes; appended to.</summary>
    public string LogFile { get; }

    /// <summary>Its process id.</summary>
    public int Pid => _process.Id;

    /// <summary>Whether it has ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>Its exit status, once it has ended.</summary>
    public int ExitCode => _process.ExitCode;

    /// <summary>Starts <paramref name="program"/> with <paramref name="environment"/> added to the present one.</summary>
    public static ChildProcess Start(
        string name,
        string program,
        IEnumerable<string> arguments,
        string logFile,
        IReadOnlyDictionary<string, string>? environment = null)
    {
        var info = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            UseShellExecute = false,
        };
        // A .NET process that is killed leaves its diagnostic pipes behind in the temporary folder.
        info.Environment["DOTNET_EnableDiagnostics"] = "0";
        foreach (var (key, value) in environment ?? new Dictionary<string, string>())
        {
            info.Environment[key] = value;
        }

        var process = Process.Start(info) ?? throw new CliException($"{name}: {program} did not start.");
        process.StandardInput.Close();
        return new ChildProcess(process, name, logFile);
    }

    /// <summary>Waits until it ends by itself.</summary>
    public async Task<int> WaitAsync(CancellationToken cancellationToken)
    {
        await _process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
        await _logging.ConfigureAwait(false);
        return _process.ExitCode;
    }

    /// <summary>
    /// Kills it and all its descendants with SIGKILL and waits until it is gone, its ports and files with it; returns how
    /// many processes died.
    /// </summary>
    public async Task<int> KillTreeAsync()
    {
        var killed = _process.HasExited ? 0 : ProcessTree.Kill(_process.Id);
        await _process.WaitForExitAsync().ConfigureAwait(false);
        return killed;
    }

    /// <summary>The last <paramref name="count"/> lines of its log.</summary>
    public string Tail(int count = 15) =>
        File.Exists(LogFile) ? string.Join('\n', File.ReadLines(LogFile).TakeLast(count)) : "";

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await KillTreeAsync().ConfigureAwait(false);
        await _logging.ConfigureAwait(false);
        _process.Dispose();
    }

    private static async Task LogAsync(Process process, string logFile)
    {
        // Shared for reading, so that a person can follow it; unbuffered, so that nothing is missing after a kill.
        await using var log = new FileStream(logFile, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        await Task.WhenAll(
            process.StandardOutput.BaseStream.CopyToAsync(log),
            process.StandardError.BaseStream.CopyToAsync(log)).ConfigureAwait(false);
    }
}
