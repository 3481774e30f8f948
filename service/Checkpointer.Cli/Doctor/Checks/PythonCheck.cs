using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using Checkpointer.Cli.Local;

namespace Checkpointer.Cli.Doctor.Checks;

/// <summary>Whether trainers could import hooks that fit this program. A machine that only runs the service needs none.</summary>
internal sealed class PythonCheck(DoctorSubject subject) : IDoctorCheck
{
    private const string Usual = "python3";
    private const string Install = "Install agent/hooks/python with pip, or put that folder on PYTHONPATH";

    // Torch is not imported, only looked for: that would take seconds.
    private const string Script =
        """
        import importlib.metadata, importlib.util, json, sys
        found = {"python": sys.version.split()[0]}
        try:
            import checkpointer
            found["hooks"] = str(getattr(checkpointer, "__version__", "of no version"))
            found["path"] = str(getattr(checkpointer, "__file__", ""))
        except ModuleNotFoundError as error:
            if error.name != "checkpointer":
                found["error"] = str(error)
        except Exception as error:
            found["error"] = repr(error)
        try:
            if importlib.util.find_spec("torch"):
                found["torch"] = "there"
                found["torch"] = importlib.metadata.version("torch")
        except Exception:
            pass
        print(json.dumps(found))
        """;

    private static readonly string Version = typeof(PythonCheck).Assembly.GetName().Version!.ToString(3);

    private string Executable => subject.Python ?? Usual;

    public string Area => "python";

    public async Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancellationToken)
    {
        var answer = await AskAsync(cancellationToken).ConfigureAwait(false);
        if (answer.Facts is not { } facts)
        {
            return
            [
                subject.Python is null
                    ? Finding.Skipped(Area, "python", $"'{Usual}' {answer.Trouble}; name one with {PythonRuntime.Variable}")
                    : Finding.Failed(Area, "python", $"'{Executable}' {answer.Trouble}", $"Correct {PythonRuntime.Variable}."),
            ];
        }

        return [Finding.Ok(Area, "python", $"{facts.GetValueOrDefault("python")}, '{Executable}'"), Hooks(facts), Torch(facts)];
    }

    private Finding Hooks(Dictionary<string, string> facts)
    {
        if (facts.TryGetValue("error", out var error))
        {
            return Finding.Failed(Area, "hooks", $"cannot be imported: {error}", $"{Install}, again.");
        }

        if (!facts.TryGetValue("hooks", out var version))
        {
            var found = $"'{Executable}' has no package 'checkpointer'";
            return subject.Python is null && !subject.ExpectsAgent
                ? Finding.Skipped(Area, "hooks", $"{found}, which trainers need")
                : Finding.Warning(Area, "hooks", $"{found}: trainers cannot save", $"{Install}; or name the trainers' Python with {PythonRuntime.Variable}.");
        }

        var text = $"{version}, '{facts.GetValueOrDefault("path")}'";
        return version == Version
            ? Finding.Ok(Area, "hooks", text)
            : Finding.Warning(Area, "hooks", $"{text}, but this program is {Version}", $"{Install}, of release {Version}.");
    }

    private Finding Torch(Dictionary<string, string> facts) => facts.TryGetValue("torch", out var version)
        ? Finding.Ok(Area, "torch", version)
        : Finding.Skipped(Area, "torch", "is not there; hooks work without it, on NumPy's arrays");

    private async Task<(Dictionary<string, string>? Facts, string Trouble)> AskAsync(CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(Executable, ["-c", Script])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["PYTHONDONTWRITEBYTECODE"] = "1" }, // doctor changes nothing
        };
        try
        {
            using var process = Process.Start(start)!;
            try
            {
                var errors = process.StandardError.ReadToEndAsync(cancellationToken);
                var text = await process.StandardOutput.ReadToEndAsync(cancellationToken).ConfigureAwait(false);
                var lastError = (await errors.ConfigureAwait(false)).TrimEnd().Split('\n')[^1];
                await process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
                return process.ExitCode == 0
                    ? (JsonSerializer.Deserialize(text, OutputJsonContext.Default.DictionaryStringString), "")
                    : (null, $"ended with status {process.ExitCode}: {lastError}");
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                throw;
            }
        }
        catch (Win32Exception e)
        {
            return (null, $"cannot be run: {e.NativeErrorCode switch { 2 => "there is none", 13 => "it is no program that this user may run", _ => e.Message }}");
        }
        catch (JsonException)
        {
            return (null, "did not answer as a Python does");
        }
    }
}
