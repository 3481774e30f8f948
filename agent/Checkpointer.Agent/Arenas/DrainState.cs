namespace Checkpointer.Agent.Arenas;

/// <summary>How far a slot's image is on its way to object storage. The numbers are those of header pages.</summary>
internal enum DrainState
{
    /// <summary>It stays in memory.</summary>
    NotWanted = 0,

    /// <summary>Wanted; not finished.</summary>
    Pending = 1,

    /// <summary>The shard is durable and the service has acknowledged it.</summary>
    Durable = 2,

    /// <summary>It will never become durable: given up, fenced out, or damaged.</summary>
    GivenUp = 3,
}
