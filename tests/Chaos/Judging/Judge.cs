using System.Globalization;
using Checkpointer.Cli;
using Checkpointer.Cli.Demo;
using Checkpointer.Cli.Local;
using Checkpointer.Contracts.Runs;

namespace Checkpointer.Chaos.Judging;

/// <summary>Compares a job that was struck with the one that was not, bit for bit.</summary>
internal sealed class Judge(TrainingResult reference, IReadOnlyDictionary<long, long> referenceLosses, int steps)
{
    // What no strike excuses.
    private static readonly IncidentKind[] NeverRaised =
    [
        IncidentKind.LedgerGap, IncidentKind.StepRepeated, IncidentKind.ReplayDivergence, IncidentKind.CursorMismatch,
        IncidentKind.StateFrozen, IncidentKind.NonFiniteState, IncidentKind.CheckpointIncoherent, IncidentKind.StoreMismatch,
    ];

    /// <summary>The undisturbed job's part of it: its result, and the bits of each loss in its ledger.</summary>
    public static async Task<Judge> FromAsync(ServiceApi api, string run, string folder, int steps, CancellationToken cancellationToken)
    {
        var ledger = await api.LedgerAsync(run, cancellationToken);
        return new Judge(
            await TrainingResult.ReadAsync(folder, cancellationToken),
            ledger.ToDictionary(entry => entry.Report.Step.Value, Bits),
            steps);
    }

    /// <summary>What of a finished job is not as it must be.</summary>
    public async Task<List<string>> CheckAsync(ServiceApi api, string run, string folder, CancellationToken cancellationToken)
    {
        var result = await TrainingResult.ReadAsync(folder, cancellationToken);
        var faults = new List<string>();
        if (result.Sha256 != reference.Sha256)
        {
            faults.Add($"its final state is {result.Sha256}, the undisturbed job's {reference.Sha256}");
        }

        if (result.DifferencesFrom(reference, steps) is > 0 and var different)
        {
            faults.Add(Text($"the trainer's own journal differs at {different} of {steps} steps"));
        }

        faults.AddRange(CheckLedger(
            await api.LedgerAsync(run, cancellationToken), await api.AttemptsAsync(run, cancellationToken)));
        foreach (var incident in (await api.IncidentsAsync(run, cancellationToken)).Where(incident => NeverRaised.Contains(incident.Kind)))
        {
            faults.Add($"incident {incident.Number}, {incident.Kind}: {incident.Message}");
        }

        return faults;
    }

    private IEnumerable<string> CheckLedger(IReadOnlyList<LedgerEntry> ledger, IReadOnlyList<AttemptSummary> attempts)
    {
        if (ledger.Count == 0 || ledger[^1].Report.Step.Value != steps)
        {
            yield return Text($"the ledger ends at step {(ledger.Count == 0 ? 0 : ledger[^1].Report.Step.Value)} of {steps}");
        }

        // Every step that was ever trained, also the replayed ones, is the undisturbed job's.
        foreach (var entry in ledger.Where(entry => Bits(entry) != referenceLosses.GetValueOrDefault(entry.Report.Step.Value)))
        {
            yield return Text($"step {entry.Report.Step} of attempt {entry.Attempt} has loss {entry.Report.Loss:R}, not the undisturbed job's");
        }

        // Within an attempt steps follow each other, and its first follows the step that it resumed from.
        foreach (var steps in ledger.GroupBy(entry => entry.Attempt))
        {
            var expected = Start(attempts.Single(attempt => attempt.Attempt == steps.Key)) + 1;
            foreach (var entry in steps)
            {
                if (entry.Report.Step.Value != expected)
                {
                    yield return Text($"attempt {steps.Key} has step {entry.Report.Step} where {expected} was to come");
                }

                expected = entry.Report.Step.Value + 1;
            }
        }

        foreach (var attempt in attempts.Where(attempt => Start(attempt) > ledger.Where(entry => entry.Attempt < attempt.Attempt)
            .Select(entry => entry.Report.Step.Value).DefaultIfEmpty(0).Max()))
        {
            yield return Text($"attempt {attempt.Attempt} resumed from step {Start(attempt)}, which no attempt before it has trained");
        }
    }

    private static long Start(AttemptSummary attempt) => attempt.ResumedFrom?.Step.Value ?? 0;

    private static long Bits(LedgerEntry entry) => BitConverter.DoubleToInt64Bits(entry.Report.Loss
        ?? throw new CliException($"Step {entry.Report.Step} has no loss."));

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
