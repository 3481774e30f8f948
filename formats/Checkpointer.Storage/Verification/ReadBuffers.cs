using System.Collections.Concurrent;

namespace Checkpointer.Storage.Verification;

/// <summary>Buffers of one length, made when first needed and used again until the end. Thread-safe.</summary>
internal sealed class ReadBuffers(int bytes)
{
    private readonly ConcurrentBag<byte[]> _free = [];

    /// <summary>The length of each.</summary>
    public int LengthBytes => bytes;

    /// <summary>A buffer. As many exist as were ever in use at once; the reads' parallelism bounds that.</summary>
    public byte[] Take() => _free.TryTake(out var buffer) ? buffer : GC.AllocateUninitializedArray<byte>(bytes, pinned: true);

    /// <summary>The buffer is free again.</summary>
    public void Return(byte[] buffer) => _free.Add(buffer);
}
