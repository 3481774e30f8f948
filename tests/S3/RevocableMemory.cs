using System.Buffers;

namespace Checkpointer.S3.Tests;

/// <summary>Memory that notices whether anyone still uses it after it was taken back.</summary>
internal sealed class RevocableMemory(int length) : MemoryManager<byte>
{
    private readonly byte[] _bytes = new byte[length];
    private int _violations;
    private volatile bool _revoked;

    public int Violations => _violations;

    public void Revoke() => _revoked = true;

    public override Span<byte> GetSpan()
    {
        if (_revoked)
        {
            Interlocked.Increment(ref _violations);
        }

        return _bytes;
    }

    public override MemoryHandle Pin(int elementIndex = 0)
    {
        _ = GetSpan();
        return _bytes.AsMemory(elementIndex).Pin();
    }

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
    }
}
