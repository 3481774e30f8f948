namespace Checkpointer.Service.Sweeping;

/// <summary>Why uncommitted objects are deleted.</summary>
internal enum SweepReason
{
    /// <summary>Their checkpoint was abandoned: a rank refused, the deadline passed, its shards made no whole model.</summary>
    Abandoned,

    /// <summary>They are of an attempt that was fenced out, and nobody goes on with them.</summary>
    FencedOut,

    /// <summary>Objects of a probe of the store that died.</summary>
    StaleProbe,
}
