namespace Checkpointer.Agent.Restoring;

/// <summary>From where a restore gets bytes.</summary>
internal enum SourceKind
{
    /// <summary>A slot of this node.</summary>
    LocalMemory,

    /// <summary>Another agent's memory.</summary>
    PeerMemory,

    /// <summary>Object storage.</summary>
    Storage,

    /// <summary>Images of other ranks that hold the same slices; what they read counts as theirs.</summary>
    Replicas,
}
