namespace Checkpointer.TestKit.Faults;

/// <summary>What <see cref="FaultInjectingObjectStore"/> does to one call.</summary>
public enum StoreFault
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Fails in passing without doing anything.</summary>
    FailBefore,

    /// <summary>Does it, then fails in passing: the caller cannot know whether it was done.</summary>
    FailAfter,

    /// <summary>Does it after a while.</summary>
    Delay,

    /// <summary>A read fills half of its destination, then fails in passing. Other calls: <see cref="FailBefore"/>.</summary>
    TornRead,

    /// <summary>A read succeeds with one bit wrong. Other calls: <see cref="None"/>.</summary>
    WrongBytes,

    /// <summary>Does nothing until cancelled.</summary>
    Hang,

    /// <summary>A put finds no room, for good. Other calls: <see cref="None"/>.</summary>
    StorageFull,
}
