using System.Globalization;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Cli.Verifying;

/// <summary>What a person should make of damage. Calls intact only what was read in full in this call.</summary>
internal static class VerifyAdvice
{
    private const int MaxNamed = 8;

    /// <summary>The newest of <paramref name="results"/> (oldest first) that was found intact; null if none was.</summary>
    public static VerifiedCheckpoint? NewestIntact(IReadOnlyList<VerifiedCheckpoint> results) =>
        results.LastOrDefault(result => result.Verification.Outcome == VerificationOutcome.Good);

    /// <summary>The advice; null if nothing is damaged.</summary>
    public static string? For(RunId run, IReadOnlyList<VerifiedCheckpoint> results)
    {
        var damaged = results.Where(result => result.Verification.Outcome == VerificationOutcome.Damaged).ToList();
        if (damaged.Count == 0)
        {
            return null;
        }

        var intact = NewestIntact(results) is { } newest
            ? $"The newest that was verified intact now is {newest.Checkpoint}."
            : results.Count == 1
                ? $"Which others are intact was not looked at: checkpointer verify {run} --all."
                : "None was verified intact.";
        var recovery = damaged.TrueForAll(result => result.Recorded)
            ? "The service has recorded it: a recovery takes an older checkpoint rather than read damage from storage."
            : "No service has recorded all of it: a recovery only avoids recorded damage. Verify again with --service URL, without --no-record.";
        return $"Damaged: {Name(damaged)}. {intact} {recovery}";
    }

    private static string Name(List<VerifiedCheckpoint> damaged) =>
        string.Join(", ", damaged.TakeLast(MaxNamed).Select(result => result.Checkpoint))
        + (damaged.Count > MaxNamed ? string.Create(CultureInfo.InvariantCulture, $" … and {damaged.Count - MaxNamed} older") : "");
}
