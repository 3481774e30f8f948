namespace Checkpointer.Contracts.Replicas;

/// <summary>How far the copy of an image on another node is.</summary>
public enum ReplicaState
{
    /// <summary>Not begun: others come first, or it has no slot yet. A newer image takes its place.</summary>
    Waiting,

    /// <summary>Being copied; a newer image waits.</summary>
    Copying,

    /// <summary>Whole, verified and held.</summary>
    Held,
}
