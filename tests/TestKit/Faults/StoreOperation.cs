namespace Checkpointer.TestKit.Faults;

/// <summary>The members of an object store, as a fault plan sees them.</summary>
public enum StoreOperation
{
    /// <summary>Put.</summary>
    Put,

    /// <summary>Put if absent.</summary>
    PutIfAbsent,

    /// <summary>Read.</summary>
    Read,

    /// <summary>Head.</summary>
    Head,

    /// <summary>One step of a listing.</summary>
    List,

    /// <summary>Delete.</summary>
    Delete,
}
