using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Manifests;
using Checkpointer.Service.Runs;
using Checkpointer.Simulation.Scheduling;

namespace Checkpointer.Simulation.Model;

/// <summary>Invariants 3 and 4 of the run as the service has it: the ledger is consecutive, the fenced change nothing.</summary>
internal sealed class RunAuditor(World world)
{
    private readonly HashSet<CheckpointId> _completeBeforeFence = [];
    private readonly SortedSet<string> _seen = new(StringComparer.Ordinal);
    private RunState? _state;
    private Attempt? _attempt;
    private bool _fenced;
    private long _ledger;
    private long _incidents;

    public void Check(RunState state)
    {
        if (_state != state)
        {
            // Another life of the service: what was not durable may be gone.
            (_state, _attempt, _fenced, _ledger, _incidents) = (state, state.CurrentAttempt, state.Rollbacks.Pending is not null, Written(state), 0);
        }

        if (Written(state) != _ledger)
        {
            CheckNewEntries(state);
            CheckConsecutive(state);
            _ledger = Written(state);
        }

        var fenced = state.Rollbacks.Pending is not null;
        if (state.CurrentAttempt != _attempt || fenced != _fenced)
        {
            // What had all its shards by then may still be committed.
            foreach (var record in state.Checkpoints.Records.Where(record => record.State is CheckpointState.Committing or CheckpointState.Committed))
            {
                _ = _completeBeforeFence.Add(record.Checkpoint);
            }

            CheckConsecutive(state);
            (_attempt, _fenced) = (state.CurrentAttempt, fenced);
        }

        See(state);
    }

    /// <summary>A manifest appears in the store.</summary>
    public void Appear(Manifest manifest)
    {
        var state = world.Service?.State(World.Run);
        var isFenced = state is not null && (manifest.Attempt < state.CurrentAttempt || (state.Rollbacks.Pending is not null && manifest.Attempt == state.CurrentAttempt));

        // What the present attempt resumed from is its own: its ranks hold it, and may still store it.
        if (isFenced && manifest.Checkpoint != state!.Attempts.Current!.ResumedFrom && !_completeBeforeFence.Contains(manifest.Checkpoint))
        {
            throw new SimulationException(
                "fenced", $"Checkpoint {manifest.Checkpoint} became visible although its attempt was fenced before all its shards were durable.");
        }
    }

    /// <summary>Counts which states and incidents were met.</summary>
    public void CountSeen()
    {
        foreach (var name in _seen)
        {
            world.Count($"seen {name}");
        }
    }

    private static long Written(RunState state) => state.Ledger.Forgotten + state.Ledger.Entries.Count;

    private void CheckNewEntries(RunState state)
    {
        foreach (var entry in state.Ledger.After(_ledger, int.MaxValue))
        {
            if (entry.Attempt != state.CurrentAttempt || _fenced)
            {
                throw new SimulationException(
                    "fenced", $"Step {entry.Report.Step} of attempt {entry.Attempt} came into the ledger although the attempt was fenced.");
            }
        }
    }

    /// <summary>On the current lineage every step is there once, and each comes after the one before.</summary>
    private void CheckConsecutive(RunState state)
    {
        var expected = 1L;
        foreach (var link in state.Attempts.Path.Entries)
        {
            if (link.ResumedFrom is { } from && from.Step.Value + 1 != expected)
            {
                // A job that has reported nothing before is taken for one that reports no steps at all.
                var reports = state.Ledger.Forgotten > 0 || state.Ledger.Entries.Any(entry => entry.Attempt < link.Attempt);
                if (reports)
                {
                    Gap(state, from.Step, $"attempt {link.Attempt} resumed from {from}, and the ledger had come to step {expected - 1} by then");
                }

                expected = from.Step.Value + 1;
            }

            var last = state.Attempts.Path.LastStepOf(link.Attempt);
            foreach (var entry in state.Ledger.Entries.Where(entry => entry.Attempt == link.Attempt && entry.Report.Step.Value <= last))
            {
                if (entry.Report.Step.Value != expected)
                {
                    Gap(state, entry.Report.Step, $"step {entry.Report.Step} of attempt {link.Attempt} follows step {expected - 1}");
                }

                expected = entry.Report.Step.Value + 1;
            }
        }
    }

    private static void Gap(RunState state, Step at, string what)
    {
        // A step that no living process knows of any more cannot be told; that it is missing has to be said.
        if (!state.Incidents.Kept.Any(incident => incident.Kind == IncidentKind.LedgerGap && incident.Step == at))
        {
            throw new SimulationException("ledger", $"The ledger of the current lineage has a gap that no incident names: {what}.");
        }
    }

    private void See(RunState state)
    {
        if (state.Incidents.Total == _incidents)
        {
            return;
        }

        _incidents = state.Incidents.Total;
        foreach (var incident in state.Incidents.Kept)
        {
            _ = _seen.Add($"incident {incident.Kind}");
        }

        foreach (var record in state.Checkpoints.Records)
        {
            _ = _seen.Add($"checkpoint {record.State}");
        }
    }
}
