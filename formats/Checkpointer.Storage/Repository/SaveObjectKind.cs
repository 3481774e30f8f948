namespace Checkpointer.Storage.Repository;

/// <summary>What an object in a folder of a save is.</summary>
public enum SaveObjectKind
{
    /// <summary>None of ours: its name is not one that this format gives.</summary>
    Other,

    /// <summary>The manifest.</summary>
    Manifest,

    /// <summary>A rank's index.</summary>
    Index,

    /// <summary>A pack.</summary>
    Pack,
}
