using Checkpointer.Formats.Identity;

namespace Checkpointer.Cli.Ledger;

/// <summary>What <c>checkpointer ledger</c> is told.</summary>
internal sealed record LedgerOptions
{
    /// <summary>The run.</summary>
    public required RunId Run { get; init; }

    /// <summary>The first step; null: from the beginning.</summary>
    public long? From { get; init; }

    /// <summary>The last step; null: to the end.</summary>
    public long? To { get; init; }

    /// <summary>One attempt's steps only; null: of all that <see cref="AllLineages"/> lets through.</summary>
    public int? Attempt { get; init; }

    /// <summary>Whether steps of lineages that were left are shown too.</summary>
    public bool AllLineages { get; init; }

    /// <summary>How it is written.</summary>
    public required LedgerFormat Format { get; init; }

    /// <summary>The file that it is written to; null: standard output.</summary>
    public string? Export { get; init; }
}
