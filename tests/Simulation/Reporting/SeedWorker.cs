using System.Diagnostics;
using System.Text.Json;
using Checkpointer.Simulation.Scheduling;

namespace Checkpointer.Simulation.Reporting;

/// <summary>One child process at a time, which runs seeds one after the other; a new one now and then, with clean memory.</summary>
internal sealed class SeedWorker : IDisposable
{
    private const int SeedsOfAChild = 100;

    private Process? _child;
    private int _ran;

    /// <summary>Runs a course; a child that dies of it has failed it.</summary>
    public async Task<SeedResult> RunAsync(SeedOptions options, CancellationToken cancellationToken)
    {
        if (_ran++ % SeedsOfAChild == 0)
        {
            Dispose();
        }

        _child ??= Start();
        await _child.StandardInput.WriteLineAsync(
            JsonSerializer.Serialize(options, SimulationJsonContext.Default.SeedOptions).AsMemory(), cancellationToken);
        await _child.StandardInput.FlushAsync(cancellationToken);
        while (await _child.StandardOutput.ReadLineAsync(cancellationToken) is { } line)
        {
            if (line.StartsWith(Children.Mark, StringComparison.Ordinal))
            {
                return JsonSerializer.Deserialize(line.AsSpan(Children.Mark.Length), SimulationJsonContext.Default.SeedResult)!;
            }

            Console.WriteLine(line);
        }

        await _child.WaitForExitAsync(cancellationToken);
        var status = _child.ExitCode;
        Dispose();
        return new SeedResult
        {
            Seed = options.Seed,
            Events = 0,
            SimulatedSeconds = 0,
            RealSeconds = 0,
            Hash = "",
            Counts = new Dictionary<string, long>(),
            Rule = "crash",
            Message = $"The process that ran it ended with status {status}: see its messages above.",
        };
    }

    public void Dispose()
    {
        if (_child is { HasExited: false })
        {
            _child.Kill();
        }

        _child?.Dispose();
        _child = null;
    }

    private static Process Start()
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, [Children.Argument])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };

        // Read by the runtime before the program has a say.
        start.Environment["DOTNET_PROCESSOR_COUNT"] = "1";
        start.Environment["DOTNET_hostBuilder__reloadConfigOnChange"] = "false";
        start.Environment["DOTNET_TieredPGO"] = "0";
        return Process.Start(start) ?? throw new SimulationException("start", "No child process could be started.");
    }
}
