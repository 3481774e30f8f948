namespace Checkpointer.Chaos.Strikes;

/// <summary>What is struck.</summary>
internal enum Target
{
    /// <summary>One trainer process.</summary>
    Rank,

    /// <summary>One node's agent.</summary>
    Agent,

    /// <summary>The service.</summary>
    Service,

    /// <summary>A node with ranks: agent, launcher, ranks and memory.</summary>
    Node,

    /// <summary>Both nodes with ranks at once.</summary>
    TwoNodes,

    /// <summary>The node without ranks.</summary>
    Spare,

    /// <summary>The network between the agents; each still reaches the service.</summary>
    Network,

    /// <summary>A sealed image in its own node's memory.</summary>
    Arena,

    /// <summary>The copy of an image in another node's memory.</summary>
    PeerCopy,

    /// <summary>A pack of the checkpoint that is about to be restored.</summary>
    Pack,

    /// <summary>An index of the checkpoint that is about to be restored.</summary>
    Index,
}

/// <summary>What is done to it.</summary>
internal enum Force
{
    /// <summary>SIGKILL; a node's memory is gone too.</summary>
    Kill,

    /// <summary>SIGSTOP, and SIGCONT later: of a rank or a node after it was replaced, of all else after seconds.</summary>
    Stop,

    /// <summary>Packets are dropped for seconds.</summary>
    Cut,

    /// <summary>One bit is flipped.</summary>
    Flip,
}

/// <summary>What is going on when it is done.</summary>
internal enum Phase
{
    /// <summary>A rank copies its state into a slot.</summary>
    Capture,

    /// <summary>An agent hashes a slot.</summary>
    Seal,

    /// <summary>An agent reads another's image.</summary>
    Replication,

    /// <summary>An agent stores a shard.</summary>
    Drain,

    /// <summary>The service commits a checkpoint.</summary>
    Commit,

    /// <summary>The service, after an earlier failure, has planned a recovery that nobody knows of yet.</summary>
    Plan,

    /// <summary>A rank, after an earlier failure, restores.</summary>
    Restore,

    /// <summary>Ranks, after an earlier failure, come up again.</summary>
    Recovery,
}

/// <summary>One thing to do.</summary>
/// <param name="Target">To what.</param>
/// <param name="Force">What.</param>
/// <param name="Phase">When.</param>
internal sealed record Strike(Target Target, Force Force, Phase Phase)
{
    /// <summary>Whether an earlier failure has to bring the phase about.</summary>
    public bool NeedsFailure => Phase is Phase.Plan or Phase.Restore or Phase.Recovery;

    /// <inheritdoc/>
    public override string ToString() => $"{Force} {Target} in {Phase}".ToLowerInvariant();
}

/// <summary>The rank that an earlier failure hit, and its node then.</summary>
internal sealed record Victim(Worlds.ChaosNode Node, int Rank);
