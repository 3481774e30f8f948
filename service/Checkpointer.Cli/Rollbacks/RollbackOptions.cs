using Checkpointer.Formats.Identity;

namespace Checkpointer.Cli.Rollbacks;

/// <summary>What <c>checkpointer rollback</c> is told.</summary>
internal sealed record RollbackOptions
{
    /// <summary>The run.</summary>
    public required RunId Run { get; init; }

    /// <summary>Where to, as it was written.</summary>
    public required string To { get; init; }

    /// <summary>Who decides.</summary>
    public required string By { get; init; }

    /// <summary>Why.</summary>
    public string? Comment { get; init; }

    /// <summary>Whether nobody is to be asked.</summary>
    public bool Yes { get; init; }

    /// <summary>Whether it is only to be shown.</summary>
    public bool DryRun { get; init; }

    /// <summary>Whether the result is for a script.</summary>
    public bool Json { get; init; }
}
