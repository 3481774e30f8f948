using System.Text.Json;
using Checkpointer.Agent.Sealing;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;

namespace Checkpointer.Agent.Arenas;

/// <summary>
/// A slot that a restore fills. Either <see cref="CompleteAsync"/> makes it hold the image, or disposing without that
/// frees it: not before the last write has ended. Writes may run concurrently at different offsets.
/// </summary>
internal sealed class RestoreSlot : IDisposable
{
    private readonly SlotPool _pool;
    private readonly Slot _slot;
    private readonly SealQueue _seals;
    private int _disposed;

    internal RestoreSlot(SlotPool pool, Slot slot, SealQueue seals)
    {
        (_pool, _slot, _seals) = (pool, slot, seals);
        (Checkpoint, Layout) = (slot.Snapshot!.Checkpoint, slot.Layout);
    }

    /// <summary>What is being rebuilt.</summary>
    public CheckpointId Checkpoint { get; }

    /// <summary>The layout that it is rebuilt in.</summary>
    public Layout Layout { get; }

    /// <summary>How the image is cut.</summary>
    public ChunkGeometry Geometry => _slot.Geometry;

    /// <summary>The memory to write to, in place, at most 1 GiB.</summary>
    public Memory<byte> Write(long offset, int length)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Geometry.ImageBytes - length);
        return _slot.File.Slice(_slot.DataOffset + offset, length);
    }

    /// <summary>
    /// Hashes what was written (so that a restore is checked end to end) and makes the slot sealed. If
    /// <paramref name="expected"/> is given and its root differs, throws <c>chunk_corrupt</c> and the slot is freed.
    /// <paramref name="expected"/> null, or of another layout: the image was resharded, so no root of it is known; it is
    /// then not a holding of the checkpoint and is never offered to peers or drained.
    /// </summary>
    /// <returns>A lease of the sealed image, with its location.</returns>
    public async Task<SlotLease> CompleteAsync(
        SealedImage? expected, JsonElement? extra, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        var seal = await _seals.HashAsync(_slot, cancellationToken);
        var resharded = expected is null || expected.Layout != Layout.Digest;
        if (!resharded && expected!.Root != seal.Image.Root)
        {
            throw new CheckpointerException(
                ErrorCode.ChunkCorrupt,
                $"Snapshot {Checkpoint} of rank {_pool.Rank} of run {_pool.Run} was rebuilt with root {seal.Image.Root} instead of {expected.Root}.");
        }

        return _pool.CompleteRestore(_slot, seal, resharded, extra);
    }

    /// <summary>Gives the slot back, unless completed.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _pool.AbandonRestore(_slot);
            _pool.EndUse(_slot);
        }
    }
}
