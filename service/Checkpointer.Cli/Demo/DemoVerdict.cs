using Checkpointer.Cli.Local;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Cli.Demo;

/// <summary>Compares the two runs and the record that the service kept, and says what is not as it must be.</summary>
internal sealed class DemoVerdict(DemoOptions options, string store, ServiceApi api)
{
    /// <summary>Gathers the facts of <paramref name="run"/> and judges them.</summary>
    public async Task<DemoReport> ReachAsync(
        string run, TrainingResult baseline, TrainingResult recovered, Strike strike, CancellationToken cancellationToken)
    {
        var attempts = await api.AttemptsAsync(run, cancellationToken).ConfigureAwait(false);
        var ledger = await api.LedgerAsync(run, cancellationToken).ConfigureAwait(false);
        var checkpoints = await api.CheckpointsAsync(run, cancellationToken).ConfigureAwait(false);
        var resume = attempts.Count > 1 ? attempts[^1] : null;
        var report = new DemoReport
        {
            WorldSize = attempts[0].WorldSize,
            Steps = options.Steps,
            Store = store,
            Kill = new KillFacts(options.Kill, strike.AtStep, strike.Victim),
            ResumedFrom = resume is null
                ? null
                : new ResumeFacts(resume.ResumedFrom?.Step ?? default, DemoTier.Describe(resume.Restores)),
            CommittedBeforeKill = strike.Committed?.Step,
            ProtectedBeforeKill = strike.Protected?.Step,
            SkippedSteps = SkippedSteps(ledger),
            ReplayedSteps = ledger.Count(entry => entry.Replayed),
            ReplayDivergences = ledger.Count(entry => entry.Diverged),
            LossDifferences = recovered.DifferencesFrom(baseline, options.Steps),
            BaselineSha256 = baseline.Sha256,
            RecoveredSha256 = recovered.Sha256,
            BitwiseEqual = baseline.Sha256 == recovered.Sha256,
            Seconds = resume is null ? null : Seconds(strike, resume),
            CheckpointsCommitted = checkpoints.Count(checkpoint => checkpoint.State == CheckpointState.Committed),
            Failures = [],
        };
        return report with { Failures = [.. Failures(report, strike, resume)] };
    }

    // Every step from 1 on must be in the ledger of the attempt that the final lineage took it from.
    private int SkippedSteps(IReadOnlyList<LedgerEntry> ledger)
    {
        var seen = ledger.Select(entry => entry.Report.Step.Value).ToHashSet();
        return Enumerable.Range(1, options.Steps).Count(step => !seen.Contains(step));
    }

    private static RecoverySeconds Seconds(Strike strike, AttemptSummary resume) => new(
        (resume.FirstJoinAt - strike.At).TotalSeconds,
        (resume.GrantedAt - resume.FirstJoinAt).TotalSeconds,
        resume.Restores.Select(restore => restore.RestoreMs).DefaultIfEmpty().Max() / 1000,
        resume.FirstStepAt is { } first ? (first - strike.At).TotalSeconds : double.NaN);

    private IEnumerable<string> Failures(DemoReport report, Strike strike, AttemptSummary? resume)
    {
        var mustResume = options.Kill is KillTarget.Node or KillTarget.Rank;
        if (mustResume && resume is null)
        {
            yield return $"No new attempt followed the kill of {strike.Victim}.";
        }

        if (!mustResume && resume is not null)
        {
            yield return $"The kill of {strike.Victim} restarted the job, which it must not.";
        }

        if (mustResume && report.ResumedFrom is { } from && Recoverable(strike) is { } recoverable && from.Step < recoverable)
        {
            yield return $"Step {recoverable} was recoverable at the kill, but the job resumed from step {from.Step}.";
        }

        if (options is { Kill: KillTarget.Node, MemoryEvery: > 0 } && report.ResumedFrom is { Tier: not ("memory" or "none") } read)
        {
            yield return $"Every image had a copy on a peer, but step {read.Step} was restored from {read.Tier}.";
        }

        if (report.CheckpointsCommitted == 0)
        {
            yield return "No checkpoint was committed.";
        }

        if (report.SkippedSteps > 0 || report.ReplayDivergences > 0 || report.LossDifferences > 0 || !report.BitwiseEqual)
        {
            yield return "The run with the failure is not the uninterrupted run, bit for bit.";
        }
    }

    // A dead node takes its memory with it, but not the copies that its peer has; a dead rank takes nothing.
    private Step? Recoverable(Strike strike)
    {
        var inMemory = options.Kill == KillTarget.Rank ? strike.GloballySealed : strike.Protected;
        return inMemory > strike.Committed || strike.Committed is null ? inMemory?.Step : strike.Committed?.Step;
    }
}
