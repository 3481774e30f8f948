namespace Checkpointer.Cli.Ledger;

/// <summary>How a ledger is written.</summary>
internal enum LedgerFormat
{
    /// <summary>A table for people.</summary>
    Text,

    /// <summary>One JSON array of the API's entries.</summary>
    Json,

    /// <summary>Comma-separated values with a header line (RFC 4180).</summary>
    Csv,
}
