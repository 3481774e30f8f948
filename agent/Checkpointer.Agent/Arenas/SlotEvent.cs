namespace Checkpointer.Agent.Arenas;

/// <summary>What can happen to a slot. An open slot that is given up is no event: its file goes, for the trainer may still be writing to it.</summary>
internal enum SlotEvent
{
    /// <summary>A trainer was given it.</summary>
    Begin,

    /// <summary>A restore was given it.</summary>
    Rebuild,

    /// <summary>The trainer has filled it.</summary>
    Capture,

    /// <summary>Its bytes are hashed.</summary>
    Seal,

    /// <summary>Its bytes turned out to be wrong or unreadable.</summary>
    Damage,

    /// <summary>What it holds is not needed any more.</summary>
    Release,
}
