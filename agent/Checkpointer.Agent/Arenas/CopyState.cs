namespace Checkpointer.Agent.Arenas;

/// <summary>How far the copy of a slot's image on another node is, as its owner knows. Not kept over a restart: it is offered again.</summary>
internal enum CopyState
{
    /// <summary>Nobody was asked to copy it, or nobody would.</summary>
    None,

    /// <summary>A peer was asked: the slot stays until it is done.</summary>
    Copying,

    /// <summary>A peer holds it.</summary>
    Copied,

    /// <summary>The copying was ended, because a save that is to become durable needs the slot.</summary>
    Ended,
}
