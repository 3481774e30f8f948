using System.Buffers;
using System.Text.Json;
using Checkpointer.Agent.Sealing;
using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;

namespace Checkpointer.Agent.Arenas;

/// <summary>
/// A slot that a restore fills. Either <see cref="CompleteAsync"/> makes it hold the image, or disposing without that
/// frees it: not before the last write has ended. Writes may run concurrently at different offsets.
/// </summary>
internal sealed class RestoreSlot : IImageTarget, IDisposable
{
    private readonly SlotPool _pool;
    private readonly Slot _slot;
    private readonly SealQueue _seals;
    private readonly IDisposable? _pause;
    private long _filledBytes;
    private int _disposed;

    internal RestoreSlot(SlotPool pool, Slot slot, SealQueue seals, IDisposable? pause)
    {
        (_pool, _slot, _seals, _pause) = (pool, slot, seals, pause);
        (Checkpoint, Layout) = (slot.Snapshot!.Checkpoint, slot.Layout);
    }

    /// <summary>What is being rebuilt.</summary>
    public CheckpointId Checkpoint { get; }

    /// <summary>The layout that it is rebuilt in.</summary>
    public Layout Layout { get; }

    /// <summary>Whether it still is to be filled: the arenas may have taken it back, or the image may have been given up.</summary>
    public bool IsWanted => _pool.IsWanted(_slot);

    /// <summary>How the image is cut.</summary>
    public ChunkGeometry Geometry => _slot.Geometry;

    /// <summary>
    /// Gives the slot its memory as far as that, unless it has it: what is written early need not wait until the rest is
    /// reserved. <see cref="ErrorCode.MemoryBudgetExceeded"/> if there is no room.
    /// </summary>
    public Memory<byte> Write(long offset, int length)
    {
        var at = Place(offset, length);
        _ = _slot.File.ReserveTo(at + length, () => true, CancellationToken.None);
        return _slot.File.Slice(at, length);
    }

    /// <summary>
    /// In place where the pages are there. Where they are not, touching them would have the kernel clear each before it is
    /// overwritten; writing a buffer to the file does not, which takes about half the time, the copy included.
    /// <see cref="ErrorCode.MemoryBudgetExceeded"/> if there is no room.
    /// </summary>
    public async ValueTask FillAsync(long offset, int length, Func<Memory<byte>, ValueTask> read)
    {
        var at = Place(offset, length);
        if (_slot.File.IsPresentTo(at + length))
        {
            await read(_slot.File.Slice(at, length));
        }
        else
        {
            var buffer = ArrayPool<byte>.Shared.Rent(length);
            try
            {
                await read(buffer.AsMemory(0, length));
                _slot.File.Write(at, buffer.AsSpan(0, length));
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }

        _ = Interlocked.Add(ref _filledBytes, length);
    }

    /// <summary>
    /// Makes the slot sealed. <paramref name="verified"/>: the seal of the image that was rebuilt as it was, every chunk of
    /// which the caller has verified; the slot then is a holding of the checkpoint. Null: the image was
    /// put together in another layout, whose hashes nobody knows yet; they are taken here, and the slot is never offered to
    /// peers or drained.
    /// </summary>
    /// <returns>A lease of the sealed image, with its location.</returns>
    public async Task<SlotLease> CompleteAsync(
        ImageSeal? verified, JsonElement? extra, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        Invariant.Holds(verified is null || (verified.Image.Layout == Layout.Digest && verified.Geometry == Geometry));
        if (Interlocked.Read(ref _filledBytes) is > 0 and var filled && filled == Geometry.ImageBytes)
        {
            _slot.File.NoteReserved();
        }

        _ = _slot.File.Reserve(() => true, cancellationToken);
        var seal = verified ?? await _seals.HashAsync(_slot, cancellationToken);
        return _pool.CompleteRestore(_slot, seal, resharded: verified is null, extra);
    }

    /// <summary>Gives the slot back, unless completed.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _pause?.Dispose();
            _pool.AbandonRestore(_slot);
            _pool.EndUse(_slot);
        }
    }

    private long Place(long offset, int length)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Geometry.ImageBytes - length);
        return _slot.DataOffset + offset;
    }
}
