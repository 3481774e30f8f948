using System.Globalization;
using System.Text.Json;
using Checkpointer.Cli;
using Checkpointer.Cli.Local;

namespace Checkpointer.Benchmarks;

/// <summary>Runs <c>trainer/bench.py</c>: a real process with real tensors and the real hooks.</summary>
internal sealed class TrainerSide(
    PythonRuntime python, SourceTree source, LocalWorkspace workspace, long sizeBytes, int rounds)
{
    /// <summary>The run that everything is saved in.</summary>
    public const string Run = "benchmark";

    private int _incarnation;

    /// <summary>How often each thing is measured.</summary>
    public int Rounds => rounds;

    /// <summary>Measures one scenario on <paramref name="node"/>: seconds by name, and <c>bytes</c>. <paramref name="peers"/> measures peers when asked.</summary>
    public async Task<IReadOnlyDictionary<string, double>> MeasureAsync(
        string scenario, LocalNode node, CancellationToken cancellationToken, Uri? peers = null)
    {
        string[] arguments =
        [
            Path.Combine(source.Root, "tests", "Benchmarks", "trainer", "bench.py"), scenario,
            "--bytes", sizeBytes.ToString(CultureInfo.InvariantCulture),
            "--rounds", rounds.ToString(CultureInfo.InvariantCulture),
            "--scratch", workspace.Root,
            .. peers is null ? Array.Empty<string>() : ["--peers", peers.ToString()],
        ];
        var environment = new Dictionary<string, string>
        {
            ["CHECKPOINTER_RUN"] = Run,
            ["CHECKPOINTER_AGENT_SOCKET"] = node.AgentSocket,
            ["CHECKPOINTER_INCARNATION"] = string.Create(CultureInfo.InvariantCulture, $"bench-{++_incarnation}"),
            ["PYTHONPATH"] = source.HooksFolder,
        };
        await using var process = ChildProcess.Start(
            "bench.py", python.Executable, arguments, workspace.Log($"bench-{_incarnation}"), environment);
        if (await process.WaitAsync(cancellationToken) != 0)
        {
            throw new CliException($"bench.py {scenario} failed:\n{process.Tail(40)}");
        }

        return JsonSerializer.Deserialize(process.Tail(1), BenchmarkJsonContext.Default.DictionaryStringDouble)!;
    }
}
