using System.Diagnostics;

namespace Checkpointer.Simulation.Mutants;

/// <summary>A copy of the source tree that mutants are built in, one after the other. Deleted when disposed.</summary>
internal sealed class Scratch : IDisposable
{
    private static readonly string[] Folders = ["formats", "service", "agent", "tests/Simulation", "tests/Directory.Build.props", "tests/Directory.Build.targets"];

    // Warnings of a mutant are its own affair; nobody reads its code.
    private static readonly string[] BuildArguments =
    [
        "build", "tests/Simulation", "-c", "Release", "--nologo", "-v", "quiet", "-clp:NoSummary", "-p:TreatWarningsAsErrors=false", "-p:RunAnalyzers=false",
        "-p:GenerateDocumentationFile=false", "-p:NoWarn=CS0162%3BCS1591",
    ];

    private readonly string _folder = Directory.CreateTempSubdirectory("checkpointer-mutants-").FullName;

    private Scratch()
    {
    }

    /// <summary>The source tree that this program was built from.</summary>
    public static string SourceTree()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Checkpointer.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException("Mutants are made of the source: run this from a checkout.");
    }

    /// <summary>Copies what the simulation is built from.</summary>
    public static Scratch Copy(string root)
    {
        var scratch = new Scratch();
        foreach (var file in Directory.GetFiles(root))
        {
            File.Copy(file, Path.Combine(scratch._folder, Path.GetFileName(file)));
        }

        foreach (var part in (string[])[.. Folders, ".build"])
        {
            scratch.CopyPart(root, part);
        }

        return scratch;
    }

    /// <summary>Whether a patch still fits the source; it changes nothing.</summary>
    public static Task<(int Status, string Output)> CheckAsync(string root, string patch, CancellationToken cancellationToken) =>
        RunAsync(root, "git", ["apply", "--check", patch], cancellationToken);

    /// <summary>Applies a patch, or takes it back.</summary>
    public async Task PatchAsync(string patch, bool reverse, CancellationToken cancellationToken)
    {
        var (status, output) = await RunAsync(_folder, "git", [.. (string[])["apply"], .. reverse ? (string[])["-R"] : [], patch], cancellationToken);
        if (status != 0)
        {
            throw new InvalidOperationException($"'{patch}' does not fit: {output}");
        }
    }

    /// <summary>Builds the simulation; the program.</summary>
    public async Task<string> BuildAsync(CancellationToken cancellationToken)
    {
        var (status, output) = await RunAsync(_folder, "dotnet", BuildArguments, cancellationToken);
        return status == 0
            ? Path.Combine(_folder, "tests", "Simulation", "bin", "Release", "net10.0", "Checkpointer.Simulation")
            : throw new InvalidOperationException($"It does not build:\n{output}");
    }

    /// <summary>Runs a program to its end; its status and what it printed.</summary>
    public static async Task<(int Status, string Output)> RunAsync(
        string folder, string program, IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
            var errors = process.StandardError.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            return (process.ExitCode, await output + await errors);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private void CopyPart(string root, string part)
    {
        var source = Path.Combine(root, part);
        if (File.Exists(source))
        {
            CopyFile(source, Path.Combine(_folder, part));
            return;
        }

        foreach (var file in Directory.GetFiles(source, "*", SearchOption.AllDirectories))
        {
            var name = Path.GetRelativePath(root, file);
            if (!name.Split('/').Any(folder => folder is "bin" or "obj"))
            {
                CopyFile(file, Path.Combine(_folder, name));
            }
        }
    }

    private static void CopyFile(string from, string to)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(to)!);
        File.Copy(from, to);
    }
}
