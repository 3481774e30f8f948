namespace Checkpointer.Cli.Doctor;

/// <summary>How a check ended.</summary>
internal enum FindingOutcome
{
    /// <summary>As it should be.</summary>
    Ok,

    /// <summary>Works, and may hurt later.</summary>
    Warning,

    /// <summary>Does not work.</summary>
    Failed,

    /// <summary>Not looked at: nothing was named, or what it rests on failed.</summary>
    Skipped,
}
