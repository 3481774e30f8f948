using System.Globalization;
using System.Text.Json;
using Checkpointer.Cli;
using Checkpointer.Cli.Local;

namespace Checkpointer.Benchmarks;

/// <summary>Runs the programs of <c>trainer/</c>: real processes with real tensors and the real hooks.</summary>
internal sealed class TrainerSide(
    PythonRuntime python, SourceTree source, LocalWorkspace workspace, long sizeBytes, int rounds)
{
    /// <summary>The run that everything is saved in.</summary>
    public const string Run = "benchmark";

    private int _incarnation;

    /// <summary>Size of one rank's state, as it was asked for.</summary>
    public long SizeBytes => sizeBytes;

    /// <summary>How often each thing is measured.</summary>
    public int Rounds => rounds;

    /// <summary>Measures one scenario on <paramref name="node"/>: seconds by name, and <c>bytes</c>. <paramref name="peers"/> measures peers when asked.</summary>
    public async Task<IReadOnlyDictionary<string, double>> MeasureAsync(
        string scenario, LocalNode node, CancellationToken cancellationToken, Uri? peers = null)
    {
        _incarnation++;
        await using var process = Start(
            "bench.py",
            [
                scenario,
                "--bytes", sizeBytes.ToString(CultureInfo.InvariantCulture),
                "--rounds", rounds.ToString(CultureInfo.InvariantCulture),
                "--scratch", workspace.Root,
                .. peers is null ? Array.Empty<string>() : ["--peers", peers.ToString()],
            ],
            node,
            Run,
            string.Create(CultureInfo.InvariantCulture, $"bench-{_incarnation}"),
            string.Create(CultureInfo.InvariantCulture, $"bench-{_incarnation}"));
        if (await process.WaitAsync(cancellationToken) != 0)
        {
            throw new CliException($"bench.py {scenario} failed:\n{process.Tail(40)}");
        }

        return JsonSerializer.Deserialize(process.Tail(1), BenchmarkJsonContext.Default.DictionaryStringDouble)!;
    }

    /// <summary>Starts one program of <c>trainer/</c> as a rank on <paramref name="node"/>; its log is <paramref name="log"/>.</summary>
    public ChildProcess Start(
        string program, IEnumerable<string> arguments, LocalNode node, string run, string incarnation, string log) =>
        ChildProcess.Start(
            program,
            python.Executable,
            [Path.Combine(source.Root, "tests", "Benchmarks", "trainer", program), .. arguments],
            workspace.Log(log),
            new Dictionary<string, string>
            {
                ["CHECKPOINTER_RUN"] = run,
                ["CHECKPOINTER_AGENT_SOCKET"] = node.AgentSocket,
                ["CHECKPOINTER_INCARNATION"] = incarnation,
                ["PYTHONPATH"] = source.HooksFolder,
            });
}
