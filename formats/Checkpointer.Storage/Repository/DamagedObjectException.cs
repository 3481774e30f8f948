using Checkpointer.Formats.Errors;

namespace Checkpointer.Storage.Repository;

/// <summary>
/// An object of a checkpoint that is missing or is not what the object that names it says. Never transient: the store
/// answered, and reading again found the same.
/// </summary>
public sealed class DamagedObjectException(
    ErrorCode code, ObjectKey key, ObjectDamage damage, string why, Exception? inner = null)
    : CheckpointerException(code, $"'{key}' {why}.", isTransient: false, inner)
{
    /// <summary>The object.</summary>
    public ObjectKey Key { get; } = key;

    /// <summary>What is wrong with it.</summary>
    public ObjectDamage Damage { get; } = damage;

    /// <summary>The message without the key: "is missing", "has 3 bytes and not 4".</summary>
    public string Why { get; } = why;
}
