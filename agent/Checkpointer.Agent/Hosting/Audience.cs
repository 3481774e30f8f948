namespace Checkpointer.Agent.Hosting;

/// <summary>Who calls: it is told from the listener, and each route is for one of them.</summary>
internal enum Audience
{
    /// <summary>Trainers of this node, through the Unix socket.</summary>
    Trainers,

    /// <summary>Other agents, probes and scrapers, through TCP.</summary>
    Network,
}
