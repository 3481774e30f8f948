using System.Text.Json;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;

namespace Checkpointer.Agent.Arenas;

/// <summary>
/// A slot that a restore fills. Either <see cref="CompleteAsync"/> makes it hold the image, or disposing without that frees
/// it. Writes may run concurrently at different offsets.
/// </summary>
internal sealed class RestoreSlot : IDisposable
{
    /// <summary>What is being rebuilt.</summary>
    public CheckpointId Checkpoint => throw new NotSupportedException();

    /// <summary>The layout that it is rebuilt in.</summary>
    public Layout Layout => throw new NotSupportedException();

    /// <summary>How the image is cut.</summary>
    public ChunkGeometry Geometry => throw new NotSupportedException();

    /// <summary>The memory to write to, in place.</summary>
    public Memory<byte> Write(long offset, int length) => throw new NotSupportedException();

    /// <summary>
    /// Hashes what was written (so that a restore is checked end to end) and makes the slot sealed. If
    /// <paramref name="expected"/> is given and its root differs, throws <c>chunk_corrupt</c> and the slot is freed.
    /// <paramref name="expected"/> null: the image was resharded, so no root is known; it is then not a holding of the
    /// checkpoint and is never offered to peers or drained.
    /// </summary>
    /// <returns>A lease of the sealed image, with its location.</returns>
    public Task<SlotLease> CompleteAsync(SealedImage? expected, JsonElement? extra, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    /// <summary>Gives the slot back, unless completed.</summary>
    public void Dispose()
    {
    }
}
