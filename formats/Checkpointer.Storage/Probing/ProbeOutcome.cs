namespace Checkpointer.Storage.Probing;

/// <summary>How a check ended.</summary>
public enum ProbeOutcome
{
    /// <summary>As it must be.</summary>
    Passed,

    /// <summary>The store can be used, but something wants mending.</summary>
    Warned,

    /// <summary>The store answered and does not do what a repository needs: it must not be used.</summary>
    Broken,

    /// <summary>The store did not answer, or refused to: nothing is known of the check.</summary>
    Unavailable,

    /// <summary>Not asked for, or in vain after an earlier check found the store unavailable.</summary>
    Skipped,
}
