namespace Checkpointer.Contracts.Runs;

/// <summary>On whose behalf a checkpoint was verified.</summary>
public enum VerifiedBy
{
    /// <summary>An operator, with <c>checkpointer verify</c>.</summary>
    Operator,

    /// <summary>The service's scheduled scrub.</summary>
    Scrub,
}
