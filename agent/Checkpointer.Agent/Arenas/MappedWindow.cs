using System.Buffers;

namespace Checkpointer.Agent.Arenas;

/// <summary>
/// A stretch of a mapping as <see cref="Memory{T}"/>. Owns nothing: whoever uses the memory holds a reference to the
/// <see cref="ArenaFile"/> meanwhile.
/// </summary>
internal sealed unsafe class MappedWindow(byte* address, int length) : MemoryManager<byte>
{
    public override Span<byte> GetSpan() => new(address, length);

    public override MemoryHandle Pin(int elementIndex = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(elementIndex);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(elementIndex, length);
        return new MemoryHandle(address + elementIndex);
    }

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
    }
}
