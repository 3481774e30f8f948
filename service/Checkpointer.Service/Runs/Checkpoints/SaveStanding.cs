namespace Checkpointer.Service.Runs.Checkpoints;

/// <summary>Whether what lies in the store of a checkpoint without manifest may still become one.</summary>
internal enum SaveStanding
{
    /// <summary>Nothing is known that would end it: it is being saved or committed, or its agents have yet to tell of it.</summary>
    Unfinished,

    /// <summary>It was committed: its manifest is on its way into view, or was lost; either way its bytes stay.</summary>
    Committed,

    /// <summary>It was abandoned, and no report of a shard of it is taken any more.</summary>
    Abandoned,

    /// <summary>Nobody may save it now, but a later attempt could resume from it and save it after all.</summary>
    FencedOut,

    /// <summary>It was fenced out and condemned: no report of a shard of it is taken any more, whatever happens.</summary>
    Condemned,

    /// <summary>Its attempt was never granted here: the journal is not the one that the store belongs to, or older.</summary>
    Unknown,
}
