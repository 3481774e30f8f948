namespace Checkpointer.Contracts.Runs;

/// <summary>What verifying a checkpoint came to.</summary>
public enum VerificationOutcome
{
    /// <summary>Every object and every chunk was read and is what was sealed.</summary>
    Good,

    /// <summary>At least one object is bad or missing.</summary>
    Damaged,

    /// <summary>No damage was seen, but not everything could be read. Nothing is known of the rest; verify again.</summary>
    Incomplete,
}
