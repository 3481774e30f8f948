using System.Buffers;
using System.Runtime.InteropServices;

namespace Checkpointer.Benchmarks.S3;

/// <summary>Memory straight from the system that nobody has touched, as a spare node's is; given back when disposed.</summary>
internal sealed unsafe class FreshMemory(int length) : MemoryManager<byte>
{
    private byte* _bytes = (byte*)NativeMemory.Alloc((nuint)length);

    public override Span<byte> GetSpan() => new(_bytes, length);

    public override MemoryHandle Pin(int elementIndex = 0) => new(_bytes + elementIndex);

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
        NativeMemory.Free(_bytes);
        _bytes = null;
    }
}
