namespace Checkpointer.Contracts.Runs;

/// <summary>Kinds of incident.</summary>
public enum IncidentKind
{
    /// <summary>The ledger lacks a step on the current lineage.</summary>
    LedgerGap,

    /// <summary>A step was reported twice by one attempt with different values.</summary>
    StepRepeated,

    /// <summary>A replayed step's values differ from those before the failure.</summary>
    ReplayDivergence,

    /// <summary>What a snapshot saved as its place in the data is not what the ledger has for its step.</summary>
    CursorMismatch,

    /// <summary>A checkpoint missed its deadline or cannot complete; the ranks to blame are named.</summary>
    CheckpointAbandoned,

    /// <summary>The shards of a checkpoint do not make one whole model.</summary>
    CheckpointIncoherent,

    /// <summary>Every rank's state is bit-identical to the previous checkpoint's although steps advanced.</summary>
    StateFrozen,

    /// <summary>NaN or infinite values in a sealed snapshot.</summary>
    NonFiniteState,

    /// <summary>A copy whose bytes do not hash to what was sealed; the node is the one that has it.</summary>
    CorruptCopy,

    /// <summary>A rank could not take or restore a snapshot.</summary>
    SnapshotRefused,

    /// <summary>A rollback's target could not be restored any more when the next incarnation started; an older one was taken.</summary>
    RollbackMissed,

    /// <summary>An agent whose object store is another repository than the service's wanted to join.</summary>
    StoreMismatch,

    /// <summary>Objects of a committed checkpoint are bad or missing in storage; a verification found it.</summary>
    CheckpointDamaged,

    /// <summary>A rank could not restore what its attempt was to resume from: all ranks got another plan, or none is left.</summary>
    PlanReplaced,

    /// <summary>A rank's process ended without closing its session; once an attempt, for the first one.</summary>
    RankDied,

    /// <summary>An agent whose node has ranks in training is gone: nothing listens at its address.</summary>
    AgentLost,

    /// <summary>An agent whose node has ranks in training went silent and its address does not answer at all.</summary>
    NodeLost,

    /// <summary>No step was completed for far longer than steps take; the ranks that are furthest behind are named.</summary>
    RankHung,
}
