using System.Globalization;
using System.Text.Json;
using Checkpointer.Cli;
using Checkpointer.Cli.Local;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Benchmarks.Recovery;

/// <summary>
/// Two ranks on two nodes; the second has the state that is measured, the first next to nothing, so that what it does at the
/// same time costs nothing.
/// </summary>
internal sealed class RecoveryWorld(BenchmarkContext context, long sizeBytes, string run) : IAsyncDisposable
{
    private const long OtherBytes = 64 << 10;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly List<ChildProcess> _ranks = [];
    private int _incarnation;

    /// <summary>The node of the rank that is measured.</summary>
    public LocalNode Victim => context.Cluster.Nodes[1];

    /// <summary>The node that its peer copy is on.</summary>
    public LocalNode Peer => context.Cluster.Nodes[0];

    /// <summary>The process of the rank that is measured.</summary>
    public ChildProcess VictimRank => _ranks[1];

    /// <summary>Starts both ranks, which save one step more, and waits until its copies are at the peers, and stored if wanted.</summary>
    public async Task HoldAsync(bool durable, CancellationToken cancellationToken)
    {
        Start(durable ? ["hold", "--durable"] : ["hold"]);
        await Waiting.UntilAsync(
            "both ranks have saved", _ => Task.FromResult(_ranks.TrueForAll(Said)), Patience, TimeProvider.System, cancellationToken);
        var step = JsonDocument.Parse(_ranks[1].Tail(1)).RootElement.GetProperty("step").GetInt64();
        await Waiting.UntilAsync(
            $"step {step} is at the peers",
            async token => await context.Cluster.Api.RunAsync(run, token) is { } summary
                && summary.Protected?.Step == new Step(step) && (!durable || summary.Committed?.Step == new Step(step)),
            Patience,
            TimeProvider.System,
            cancellationToken);
    }

    /// <summary>Restores on both ranks; what the measured one says.</summary>
    public async Task<IReadOnlyDictionary<string, double>> RestoreAsync(CancellationToken cancellationToken)
    {
        Start(["restore"]);
        foreach (var rank in _ranks)
        {
            if (await rank.WaitAsync(cancellationToken) != 0)
            {
                throw new CliException($"{rank.Name} failed:\n{rank.Tail(40)}");
            }
        }

        var answers = _ranks
            .Select(rank => JsonSerializer.Deserialize(rank.Tail(1), BenchmarkJsonContext.Default.DictionaryStringDouble)!)
            .ToList();

        // Whoever joins last waits for nobody: that is what planning takes.
        answers[1]["plan"] = answers.Min(answer => answer["connect"]);
        return answers[1];
    }

    /// <summary>Does <paramref name="kill"/> and waits for an incident of one of <paramref name="kinds"/>; seconds from one to the other.</summary>
    public async Task<double> DetectAsync(Func<Task> kill, CancellationToken cancellationToken, params IncidentKind[] kinds)
    {
        var before = (await context.Cluster.Api.IncidentsAsync(run, cancellationToken)).Count;
        var at = TimeProvider.System.GetUtcNow();
        await kill();
        Incident? found = null;
        await Waiting.UntilAsync(
            $"an incident of {string.Join(" or ", kinds)}",
            async token => (found = (await context.Cluster.Api.IncidentsAsync(run, token)).Skip(before)
                .FirstOrDefault(incident => kinds.Contains(incident.Kind))) is not null,
            Patience,
            TimeProvider.System,
            cancellationToken);
        return (found!.At - at).TotalSeconds;
    }

    /// <summary>Ends both ranks with SIGKILL.</summary>
    public async Task KillRanksAsync()
    {
        foreach (var rank in _ranks)
        {
            await rank.DisposeAsync();
        }

        _ranks.Clear();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await KillRanksAsync();

    private static bool Said(ChildProcess rank) => rank.HasExited
        ? throw new CliException($"{rank.Name} ended:\n{rank.Tail(40)}")
        : rank.Tail(1).StartsWith('{');

    private void Start(string[] mode)
    {
        _ranks.Clear();
        _incarnation++;
        for (var rank = 0; rank < 2; rank++)
        {
            _ranks.Add(context.Trainer.Start(
                "recovery.py",
                [
                    .. mode,
                    "--rank", rank.ToString(CultureInfo.InvariantCulture),
                    "--bytes", (rank == 0 ? OtherBytes : sizeBytes).ToString(CultureInfo.InvariantCulture),
                ],
                context.Cluster.Nodes[rank],
                run,
                string.Create(CultureInfo.InvariantCulture, $"{run}-{_incarnation}"),
                string.Create(CultureInfo.InvariantCulture, $"{run}-{_incarnation}-{rank}")));
        }
    }
}
