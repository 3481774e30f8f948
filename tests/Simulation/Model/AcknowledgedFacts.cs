using System.Text.Json;
using Checkpointer.Contracts;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs;
using Checkpointer.Simulation.Network;
using Checkpointer.Simulation.Scheduling;

namespace Checkpointer.Simulation.Model;

/// <summary>Invariant 8: what the service has acknowledged is still there after every kill.</summary>
internal sealed class AcknowledgedFacts
{
    private readonly SortedDictionary<string, Attempt> _grants = new(StringComparer.Ordinal);
    private readonly SortedDictionary<Attempt, Step> _ledger = [];
    private readonly SortedSet<(CheckpointId Checkpoint, int Rank)> _shards = [];
    private long _rollbacks;
    private RunState? _state;

    public AcknowledgedFacts(World world)
    {
        world.Network.Answered = (exchange, process, answer) =>
        {
            if (process.Node == World.ServiceNode && answer.Status == 200)
            {
                Take(exchange, answer);
            }
        };
    }

    public long Checks { get; private set; }

    public void Granted(string incarnation, Attempt attempt)
    {
        if (_grants.TryGetValue(incarnation, out var known) && known != attempt)
        {
            throw new SimulationException("acknowledged", $"{incarnation} was granted attempt {known} and attempt {attempt}.");
        }

        if (_grants.FirstOrDefault(pair => pair.Value == attempt && pair.Key != incarnation) is { Key: { } other })
        {
            throw new SimulationException("acknowledged", $"Attempt {attempt} was granted to {other} and to {incarnation}.");
        }

        _grants[incarnation] = attempt;
    }

    public void RolledBack(Rollback rollback) => _rollbacks = Math.Max(_rollbacks, rollback.Number);

    /// <summary>Once for each life of the service: all of it is there.</summary>
    public void Check(RunState state)
    {
        if (_state == state)
        {
            return;
        }

        _state = state;
        Checks++;
        Require(_grants.Count == 0 || state.CurrentAttempt >= _grants.Values.Max(), $"attempt {_grants.Values.LastOrDefault()} was granted");
        Require(state.Rollbacks.Total >= _rollbacks, $"rollback {_rollbacks} was accepted");
        foreach (var (attempt, step) in _ledger)
        {
            Require(state.Ledger.NewestOf(attempt) >= step, $"step {step} of attempt {attempt} was in the ledger");
        }

        foreach (var (checkpoint, rank) in _shards)
        {
            var record = state.Checkpoints.Find(checkpoint);
            Require(
                record is not null && (record.State != CheckpointState.Saving || record.Shards![rank] is not null),
                $"the shard of rank {rank} of {checkpoint} was durable");
        }
    }

    private void Take(Exchange exchange, Answer answer)
    {
        var path = exchange.Address.AbsolutePath;
        if (path.EndsWith("/reports", StringComparison.Ordinal))
        {
            var report = JsonSerializer.Deserialize(exchange.Body, ContractsJsonContext.Default.ReportSteps)!;
            var result = JsonSerializer.Deserialize(answer.Body, ContractsJsonContext.Default.ReportStepsResult)!;
            if (report.Reports.Count > 0 && !(_ledger.GetValueOrDefault(report.Attempt) >= report.Reports[^1].Step))
            {
                Require(result.LedgerStep >= report.Reports[^1].Step, $"steps up to {report.Reports[^1].Step} were taken");
                _ledger[report.Attempt] = report.Reports[^1].Step;
            }
        }
        else if (path.EndsWith("/shards", StringComparison.Ordinal))
        {
            var report = JsonSerializer.Deserialize(exchange.Body, ContractsJsonContext.Default.ShardReport)!;
            _ = _shards.Add((report.Checkpoint, report.Rank.Value));
        }
    }

    private static void Require(bool holds, string what)
    {
        if (!holds)
        {
            throw new SimulationException("acknowledged", $"The service acknowledged that {what}, and after a restart does not know it.");
        }
    }
}
