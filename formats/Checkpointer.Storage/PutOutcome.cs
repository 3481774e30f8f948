namespace Checkpointer.Storage;

/// <summary>What a conditional put found.</summary>
public enum PutOutcome
{
    /// <summary>No object had the key; this call created it.</summary>
    Created,

    /// <summary>An object had the key already; nothing was changed.</summary>
    AlreadyExists,
}
