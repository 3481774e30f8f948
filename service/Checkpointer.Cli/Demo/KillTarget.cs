namespace Checkpointer.Cli.Demo;

/// <summary>What the demo kills with SIGKILL in the middle of training.</summary>
internal enum KillTarget
{
    /// <summary>A whole node: its torchrun, its ranks, its agent, and its memory. The spare node comes in.</summary>
    Node,

    /// <summary>One trainer process. torchrun restarts the world; every node's memory survives.</summary>
    Rank,

    /// <summary>One node agent. It comes back and adopts its arenas; training does not notice.</summary>
    Agent,

    /// <summary>The service. It comes back and replays its journal; training does not notice.</summary>
    Service,
}
