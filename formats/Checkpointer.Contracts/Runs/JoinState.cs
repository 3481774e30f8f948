namespace Checkpointer.Contracts.Runs;

/// <summary>Where an incarnation stands at the join barrier.</summary>
public enum JoinState
{
    /// <summary>Ranks are missing: call again.</summary>
    Pending,

    /// <summary>All ranks have joined; the attempt and its plan are final.</summary>
    Granted,
}
