namespace Checkpointer.Contracts.Runs;

/// <summary>Where an attempt stands at its restore barrier.</summary>
public enum RestoreState
{
    /// <summary>Ranks are still restoring: call again, with the same report.</summary>
    Pending,

    /// <summary>Every rank has restored the same step: train.</summary>
    Confirmed,

    /// <summary>A rank could not restore: let go of what was restored, and carry out the new plan.</summary>
    Replaced,

    /// <summary>A rank could not restore, and there is nothing left that all of them could.</summary>
    Impossible,
}
