namespace Checkpointer.Cli.Doctor;

/// <summary>How a check ended.</summary>
internal enum CheckOutcome
{
    /// <summary>As it should be.</summary>
    Ok,

    /// <summary>It works, but something wants mending.</summary>
    Warning,

    /// <summary>It does not work, or will not.</summary>
    Failed,

    /// <summary>Nothing to check, or not possible without what another check found missing.</summary>
    Skipped,
}
