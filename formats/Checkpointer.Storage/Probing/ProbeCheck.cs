namespace Checkpointer.Storage.Probing;

/// <summary>What a probe checks, in this order.</summary>
public enum ProbeCheck
{
    /// <summary>What was put, or put over, is what a read right after gives.</summary>
    ReadAfterWrite,

    /// <summary>A second put-if-absent of one key says so and changes nothing; of several at once one wins.</summary>
    ConditionalPut,

    /// <summary>A read of a part gives just that part.</summary>
    RangedRead,

    /// <summary>A listing right after a put has the object.</summary>
    ListAfterWrite,

    /// <summary>A deleted object is gone at once, and deleting it again is no error.</summary>
    Delete,

    /// <summary>The store's clock is near ours.</summary>
    Clock,

    /// <summary>How fast a sample goes in and out; skipped unless asked for.</summary>
    Throughput,

    /// <summary>The probe's own objects, and those that dead probes left, could be deleted.</summary>
    Cleanup,
}
