using System.Globalization;

namespace Checkpointer.Storage.Probing;

/// <summary>The objects of one probe: beneath a prefix that no other probe has, remembered so that they can be deleted.</summary>
internal sealed class ProbeObjects(Random random)
{
    private const int SmallBytes = 4096;

    private readonly List<ObjectKey> _keys = [];

    /// <summary>The prefix of them all, a slash at its end.</summary>
    public string Prefix { get; } = string.Create(
        CultureInfo.InvariantCulture, $"{RepositoryKeys.Probes}{random.NextInt64():x16}{random.NextInt64():x16}/");

    /// <summary>All keys that were handed out.</summary>
    public IReadOnlyList<ObjectKey> Keys => _keys;

    /// <summary>A key to put something at.</summary>
    public ObjectKey Key(string name)
    {
        var key = new ObjectKey(Prefix + name);
        _keys.Add(key);
        return key;
    }

    /// <summary>Bytes that nothing else has: a cache cannot give them by accident.</summary>
    public byte[] Bytes(int length = SmallBytes)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }
}
