namespace Checkpointer.Storage.Repository;

/// <summary>What is known of a store's repository.</summary>
public enum RepositoryState
{
    /// <summary>Nothing yet: no look at the store has ended.</summary>
    Unknown,

    /// <summary>The store has one.</summary>
    Present,

    /// <summary>The store answered and has none.</summary>
    Absent,

    /// <summary>The store did not answer, or not as it must.</summary>
    Unavailable,
}
