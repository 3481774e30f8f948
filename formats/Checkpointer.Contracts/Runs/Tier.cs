namespace Checkpointer.Contracts.Runs;

/// <summary>Where a copy of an image is.</summary>
public enum Tier
{
    /// <summary>In an agent's shared memory.</summary>
    Memory,

    /// <summary>In object storage.</summary>
    Storage,
}
