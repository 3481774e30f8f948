namespace Checkpointer.Agent.Arenas;

/// <summary>The life of a slot (SlotTransitions says what may follow what). The numbers are those of header pages.</summary>
internal enum SlotState
{
    /// <summary>Its memory is being reserved; nobody may use it yet.</summary>
    Preparing = 0,

    /// <summary>Holds nothing.</summary>
    Free = 1,

    /// <summary>A trainer is writing into it.</summary>
    Open = 2,

    /// <summary>A restore is writing into it.</summary>
    Rebuilding = 3,

    /// <summary>All bytes are in; they are being hashed.</summary>
    Captured = 4,

    /// <summary>Hashed: holds an image.</summary>
    Sealed = 5,

    /// <summary>Holds bytes that are not what was sealed, or could not be hashed: worthless.</summary>
    Failed = 6,

    /// <summary>Of an older layout or a dropped run: goes away as soon as nobody reads it.</summary>
    Retired = 7,
}
