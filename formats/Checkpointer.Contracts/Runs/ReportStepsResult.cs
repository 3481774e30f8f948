using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Runs;

/// <summary>The answer to <see cref="ReportSteps"/>.</summary>
public sealed record ReportStepsResult
{
    /// <summary>Newest step that the ledger holds durably for this attempt.</summary>
    public required Step LedgerStep { get; init; }

    /// <summary>Incidents that these reports raised (a gap, a replay that diverged); empty when all is well.</summary>
    public required IReadOnlyList<Incident> Incidents { get; init; }
}
