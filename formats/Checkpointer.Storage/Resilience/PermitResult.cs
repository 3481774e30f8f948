namespace Checkpointer.Storage.Resilience;

/// <summary>What an attempt says about how much the store can bear at once.</summary>
internal enum PermitResult
{
    /// <summary>Nothing: it was cancelled, or failed for reasons that have nothing to do with load.</summary>
    Neutral,

    /// <summary>The store answered as it should.</summary>
    Answered,

    /// <summary>Too much: the store asked to slow down, or so many at once were slower than the slowest that is waited for.</summary>
    Overloaded,
}
