namespace Checkpointer.Service.Sweeping;

/// <summary>Why objects without a manifest stay.</summary>
internal enum KeepReason
{
    /// <summary>They may still become a checkpoint.</summary>
    Unfinished,

    /// <summary>The service knows the checkpoint as committed, although the store has no manifest of it.</summary>
    Committed,

    /// <summary>The service never granted their attempt.</summary>
    Unknown,

    /// <summary>The newest of them is younger than the grace period.</summary>
    Young,

    /// <summary>A committed checkpoint's index names one of their packs, or whether one does could not be found out.</summary>
    Referenced,
}
