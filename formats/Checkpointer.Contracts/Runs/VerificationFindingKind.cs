namespace Checkpointer.Contracts.Runs;

/// <summary>What is the matter with an object of a checkpoint.</summary>
public enum VerificationFindingKind
{
    /// <summary>The store has no such object: damage.</summary>
    Missing,

    /// <summary>Its bytes are not what they have to be, also when read again: damage.</summary>
    Corrupt,

    /// <summary>The store did not give it: nothing is known of it.</summary>
    Unreadable,
}
