using Checkpointer.Simulation.Scheduling;

namespace Checkpointer.Simulation.Storing;

/// <summary>The objects that all processes share. Its clock is simulated time.</summary>
internal sealed class Bucket(Scheduler scheduler)
{
    private readonly SortedDictionary<string, StoredObject> _objects = new(StringComparer.Ordinal);

    private readonly SortedDictionary<string, byte[]> _sound = new(StringComparer.Ordinal);

    /// <summary>Told before each change: the key, what was there, what will be.</summary>
    public Action<string, byte[]?, byte[]?>? Changing { get; set; }

    public IEnumerable<KeyValuePair<string, StoredObject>> Objects => _objects;

    public StoredObject? Find(string key) => _objects.GetValueOrDefault(key);

    public void Put(string key, byte[] bytes)
    {
        Changing?.Invoke(key, Find(key)?.Bytes, bytes);
        _ = _sound.Remove(key);
        _objects[key] = new StoredObject(bytes, scheduler.Now);
    }

    public void Delete(string key)
    {
        if (Find(key) is { } found)
        {
            Changing?.Invoke(key, found.Bytes, null);
            _ = _objects.Remove(key);
            _ = _sound.Remove(key);
        }
    }

    /// <summary>Changes one bit of what is stored, as a disk that rots does: nobody is told.</summary>
    public void Rot(string key, int bit)
    {
        _ = _sound.TryAdd(key, _objects[key].Bytes);
        var bytes = (byte[])_objects[key].Bytes.Clone();
        bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        _objects[key] = _objects[key] with { Bytes = bytes };
    }

    /// <summary>Whether what lies there is not what was put.</summary>
    public bool IsRotten(string key) => _sound.ContainsKey(key);

    /// <summary>Everything that rotted and is still there is restored from a backup.</summary>
    public void Mend()
    {
        foreach (var (key, bytes) in _sound)
        {
            if (_objects.TryGetValue(key, out var found))
            {
                _objects[key] = found with { Bytes = bytes };
            }
        }

        _sound.Clear();
    }

    public List<(string Key, StoredObject Object)> List(string prefix) =>
        [.. _objects.Where(pair => pair.Key.StartsWith(prefix, StringComparison.Ordinal)).Select(pair => (pair.Key, pair.Value))];
}

/// <summary>An object's bytes, which never change, and when it was put.</summary>
internal sealed record StoredObject(byte[] Bytes, TimeSpan At);
