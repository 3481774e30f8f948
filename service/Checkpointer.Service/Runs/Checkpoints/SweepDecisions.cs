using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs.Commands;
using Checkpointer.Service.Runs.Events;

namespace Checkpointer.Service.Runs.Checkpoints;

/// <summary>What of the store's uncommitted objects may go, and how their commit is made impossible first.</summary>
internal static class SweepDecisions
{
    /// <summary>How <paramref name="checkpoint"/>, of which the store has no manifest, stands.</summary>
    public static SaveStanding StandingOf(RunState state, CheckpointId checkpoint)
    {
        if (state.Checkpoints.Find(checkpoint) is { } record)
        {
            return record.State switch
            {
                CheckpointState.Abandoned => SaveStanding.Abandoned,
                CheckpointState.Committed => SaveStanding.Committed,
                _ => SaveStanding.Unfinished,
            };
        }

        if (state.Attempts.Current is not { } current || checkpoint.Attempt > current.Attempt)
        {
            return SaveStanding.Unknown;
        }

        if (state.Checkpoints.IsClosed(checkpoint))
        {
            return SaveStanding.Condemned;
        }

        // Of the current attempt an agent may be draining what no report has told of yet; what it resumed from is its own too.
        return checkpoint.Attempt == current.Attempt || checkpoint == current.ResumedFrom
            ? SaveStanding.Unfinished
            : SaveStanding.FencedOut;
    }

    /// <inheritdoc cref="CondemnFencedSaves"/>
    public static Decision<Acknowledged> DecideCondemn(RunState state, DateTimeOffset now)
    {
        if (state.Attempts.Current is not { } current || current.Attempt.Value == Attempt.MinValue)
        {
            return Decision<Acknowledged>.Accept(Acknowledged.Instance);
        }

        // What was condemned once stays so, also if resumed from: its objects may be gone.
        var except = current.ResumedFrom is { } resumed && state.Checkpoints.Condemned?.Covers(resumed) == true
            ? (CheckpointId?)null
            : current.ResumedFrom;
        var wanted = new Condemnation(new Attempt(current.Attempt.Value - 1), except);
        return state.Checkpoints.Condemned == wanted
            ? Decision<Acknowledged>.Accept(Acknowledged.Instance)
            : Decision<Acknowledged>.Accept(
                Acknowledged.Instance,
                new FencedSavesCondemned { At = now, Through = wanted.Through, Except = wanted.Except });
    }
}
