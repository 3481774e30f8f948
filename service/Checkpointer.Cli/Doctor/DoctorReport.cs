namespace Checkpointer.Cli.Doctor;

/// <summary>What <c>checkpointer doctor --output json</c> writes.</summary>
internal sealed record DoctorReport
{
    /// <summary>The worst outcome: failed, warning or ok.</summary>
    public required CheckOutcome Outcome { get; init; }

    /// <summary>Checks that failed.</summary>
    public required int Failed { get; init; }

    /// <summary>Checks that warn.</summary>
    public required int Warnings { get; init; }

    /// <summary>How long all took.</summary>
    public required double Seconds { get; init; }

    /// <summary>Every check, in the order of the report.</summary>
    public required IReadOnlyList<CheckResult> Checks { get; init; }

    /// <summary>Sums the results up.</summary>
    public static DoctorReport Of(IReadOnlyList<CheckResult> checks, TimeSpan took)
    {
        var (failed, warnings) = (checks.Count(c => c.Outcome == CheckOutcome.Failed), checks.Count(c => c.Outcome == CheckOutcome.Warning));
        return new DoctorReport
        {
            Outcome = failed > 0 ? CheckOutcome.Failed : warnings > 0 ? CheckOutcome.Warning : CheckOutcome.Ok,
            Failed = failed,
            Warnings = warnings,
            Seconds = took.TotalSeconds,
            Checks = checks,
        };
    }
}
