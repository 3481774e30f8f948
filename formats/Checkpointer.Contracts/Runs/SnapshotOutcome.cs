namespace Checkpointer.Contracts.Runs;

/// <summary>What became of a rank's snapshot.</summary>
public enum SnapshotOutcome
{
    /// <summary>Captured, hashed, held in memory.</summary>
    Sealed,

    /// <summary>Never taken: no memory, no free slot, or no agent.</summary>
    Refused,

    /// <summary>Begun but given up: the trainer died or the bytes changed during capture.</summary>
    Discarded,
}
