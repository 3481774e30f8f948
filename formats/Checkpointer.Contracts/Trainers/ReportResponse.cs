using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Trainers;

/// <summary>The answer to <see cref="ReportRequest"/>.</summary>
public sealed record ReportResponse
{
    /// <summary>Newest step that the ledger holds durably; the trainer keeps later ones to repeat them if the agent restarts. Null if none.</summary>
    public Step? LedgerStep { get; init; }

    /// <summary>Differs each time the agent starts.</summary>
    public required string AgentInstance { get; init; }
}
