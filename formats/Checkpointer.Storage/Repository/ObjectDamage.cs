namespace Checkpointer.Storage.Repository;

/// <summary>What is wrong with an object that the store did answer for. An outage is none of these.</summary>
public enum ObjectDamage
{
    /// <summary>The store has no such object.</summary>
    Missing,

    /// <summary>Its bytes are not those that whoever names it says it has.</summary>
    Corrupt,
}
