namespace Checkpointer.Contracts.Runs;

/// <summary>How a rank ended without closing its session.</summary>
public enum FailureKind
{
    /// <summary>Its process was killed or crashed: the connection broke off.</summary>
    Died,

    /// <summary>It said that an exception ends it.</summary>
    Raised,
}
