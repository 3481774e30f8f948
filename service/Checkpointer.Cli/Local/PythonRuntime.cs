using System.Diagnostics;

namespace Checkpointer.Cli.Local;

/// <summary>A Python that has PyTorch: found, or installed where Debian's package manager can be used.</summary>
internal sealed record PythonRuntime(string Executable, string TorchVersion)
{
    /// <summary>Names the Python to use.</summary>
    public const string Variable = "CHECKPOINTER_PYTHON";

    /// <summary>Finds a Python with PyTorch, or installs Debian's; throws <see cref="CliException"/> with what to do.</summary>
    public static async Task<PythonRuntime> FindOrInstallAsync(Action<string> say, string logFile, CancellationToken cancellationToken)
    {
        if (await FindAsync(cancellationToken).ConfigureAwait(false) is { } found)
        {
            return found;
        }

        say("PyTorch is missing; installing Debian's python3-torch (about a minute) …");
        await InstallAsync(logFile, cancellationToken).ConfigureAwait(false);
        return await FindAsync(cancellationToken).ConfigureAwait(false)
            ?? throw Missing("it was installed, but no Python can import it");
    }

    private static async Task<PythonRuntime?> FindAsync(CancellationToken cancellationToken)
    {
        string?[] candidates = [Environment.GetEnvironmentVariable(Variable), "python3", "/usr/bin/python3"];
        foreach (var candidate in candidates.Where(c => !string.IsNullOrEmpty(c)).Distinct())
        {
            if (await TorchVersionOfAsync(candidate!, cancellationToken).ConfigureAwait(false) is { } version)
            {
                return new PythonRuntime(candidate!, version);
            }
        }

        return null;
    }

    private static async Task<string?> TorchVersionOfAsync(string python, CancellationToken cancellationToken)
    {
        var info = new ProcessStartInfo(python, ["-c", "import torch; print(torch.__version__)"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        try
        {
            using var process = Process.Start(info)!;
            var version = await process.StandardOutput.ReadToEndAsync(cancellationToken).ConfigureAwait(false);
            await process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
            return process.ExitCode == 0 ? version.Trim() : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null; // no such program
        }
    }

    private static async Task InstallAsync(string logFile, CancellationToken cancellationToken)
    {
        if (!File.Exists("/usr/bin/apt-get"))
        {
            throw Missing("this machine has no apt-get to install it with");
        }

        var environment = new Dictionary<string, string> { ["DEBIAN_FRONTEND"] = "noninteractive" };
        string[] privilege = Environment.IsPrivilegedProcess ? [] : ["sudo", "-n"];
        string[][] commands =
        [
            [.. privilege, "apt-get", "update"],
            [.. privilege, "apt-get", "install", "-y", "--no-install-recommends", "python3-torch", "python3-numpy"],
        ];
        foreach (var command in commands)
        {
            await using var process = ChildProcess.Start("apt-get", command[0], command[1..], logFile, environment);
            if (await process.WaitAsync(cancellationToken).ConfigureAwait(false) != 0)
            {
                throw Missing($"'{string.Join(' ', command)}' failed:\n{process.Tail()}");
            }
        }
    }

    private static CliException Missing(string why) => new(
        $"PyTorch is needed, and {why}. Install it and name its Python in {Variable}.", ExitCode.Environment);
}
