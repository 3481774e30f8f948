namespace Checkpointer.Storage;

/// <summary>
/// The bytes of an object to put, as segments of caller-owned memory in order: written straight from where they lie
/// (an arena, an encoder's buffer), never copied together. Can be sent any number of times, so a put can be retried.
/// </summary>
public sealed class ObjectContent
{
    /// <summary>Content made of <paramref name="segments"/> in order. The memory must stay valid and unchanged until the put ends.</summary>
    public ObjectContent(IReadOnlyList<ReadOnlyMemory<byte>> segments)
    {
        Segments = segments;
        long length = 0;
        foreach (var segment in segments)
        {
            length += segment.Length;
        }

        LengthBytes = length;
    }

    /// <summary>Content made of one piece of memory.</summary>
    public ObjectContent(ReadOnlyMemory<byte> bytes)
        : this([bytes])
    {
    }

    /// <summary>The pieces, in order.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Segments { get; }

    /// <summary>Their total length in bytes.</summary>
    public long LengthBytes { get; }
}
