namespace Checkpointer.Agent.Arenas;

/// <summary>What a slot holds; <see cref="SlotTransitions"/> says what may follow what. The numbers are those of header pages.</summary>
internal enum SlotState
{
    /// <summary>Nothing.</summary>
    Free = 0,

    /// <summary>A trainer is writing into it.</summary>
    Open = 1,

    /// <summary>A restore is writing into it.</summary>
    Rebuilding = 2,

    /// <summary>All bytes are in; they are being hashed.</summary>
    Captured = 3,

    /// <summary>Hashed: holds an image.</summary>
    Sealed = 4,

    /// <summary>Holds bytes that are not what was sealed, or could not be hashed: worthless.</summary>
    Failed = 5,
}
