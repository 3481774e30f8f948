using System.Globalization;
using Checkpointer.Cli.Local;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Cli.Demo;

/// <summary>Tells what happens in a run as it happens: attempts, restores, checkpoints, incidents, and every few steps the progress.</summary>
internal sealed class RunWatcher(string run, int steps, ServiceApi api, DemoConsole console)
{
    private const int StepsBetweenLines = 10;

    private readonly HashSet<Attempt> _attempts = [];
    private readonly HashSet<(Attempt, Rank)> _restores = [];
    private readonly HashSet<(CheckpointId, CheckpointState)> _checkpoints = [];
    private long _incidents;
    private long _nextStepLine = StepsBetweenLines;

    /// <summary>Newest step in the ledger at the last look.</summary>
    public Step Step { get; private set; }

    /// <summary>Looks once and tells what is new.</summary>
    public async Task LookAsync(CancellationToken cancellationToken)
    {
        if (await api.RunAsync(run, cancellationToken).ConfigureAwait(false) is not { } summary)
        {
            return; // not known yet, or the service is down
        }

        foreach (var attempt in await api.AttemptsAsync(run, cancellationToken).ConfigureAwait(false))
        {
            Tell(attempt);
        }

        foreach (var checkpoint in await api.CheckpointsAsync(run, cancellationToken).ConfigureAwait(false))
        {
            Tell(checkpoint);
        }

        if (summary.Incidents > _incidents)
        {
            var incidents = await api.IncidentsAsync(run, cancellationToken).ConfigureAwait(false);
            foreach (var incident in incidents.Where(incident => incident.Number > _incidents))
            {
                console.Say($"incident {incident.Number}: {incident.Message}");
                _incidents = incident.Number;
            }
        }

        Tell(summary);
    }

    private void Tell(AttemptSummary attempt)
    {
        if (_attempts.Add(attempt.Attempt))
        {
            var nodes = string.Join(", ", attempt.Nodes.Distinct());
            console.Good(attempt.ResumedFrom is { } from
                ? $"attempt {attempt.Attempt} on {nodes}: all {attempt.WorldSize} ranks resume from step {from.Step}. {attempt.Reason}"
                : $"attempt {attempt.Attempt} on {nodes}: all {attempt.WorldSize} ranks start from scratch");
        }

        foreach (var restore in attempt.Restores.Where(restore => _restores.Add((attempt.Attempt, restore.Rank))))
        {
            console.Say(string.Create(CultureInfo.InvariantCulture,
                $"rank {restore.Rank} on {restore.Node}: step {restore.Checkpoint.Step} from {DemoTier.Describe([restore])} in {restore.RestoreMs:0} ms, verified"));
        }
    }

    private void Tell(CheckpointSummary checkpoint)
    {
        if (checkpoint.State is CheckpointState.Committed or CheckpointState.Abandoned
            && _checkpoints.Add((checkpoint.Checkpoint, checkpoint.State)))
        {
            if (checkpoint.State == CheckpointState.Committed)
            {
                console.Good(string.Create(CultureInfo.InvariantCulture,
                    $"checkpoint {checkpoint.Checkpoint} committed: {checkpoint.WorldSize} shards, {checkpoint.StoredBytes / 1e6:0.0} MB"));
            }
            else
            {
                console.Say($"checkpoint {checkpoint.Checkpoint} abandoned: {checkpoint.Reason}");
            }
        }
    }

    private void Tell(RunSummary summary)
    {
        Step = summary.LedgerStep ?? default;
        if (Step.Value >= _nextStepLine)
        {
            console.Say($"step {Step} of {steps}");
            _nextStepLine = (Step.Value / StepsBetweenLines * StepsBetweenLines) + StepsBetweenLines;
        }
    }
}
