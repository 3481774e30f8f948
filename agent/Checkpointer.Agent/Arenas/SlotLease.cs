using System.Text.Json;
using Checkpointer.Agent.Sealing;
using Checkpointer.Contracts.Trainers;
using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;

namespace Checkpointer.Agent.Arenas;

/// <summary>
/// A right to read one sealed image: while it is not disposed the slot is not reused and its memory stays mapped.
/// Drains, restores and reads by other agents each hold their own. Thread-safe; disposing twice is harmless; memory that
/// it gave out must not be touched after that.
/// </summary>
internal sealed class SlotLease : IDisposable
{
    private readonly SlotPool _pool;
    private readonly ArenaFile _file;
    private readonly long _dataOffset;
    private int _disposed;

    /// <summary>Made by the pool under its lock, which has counted it.</summary>
    internal SlotLease(SlotPool pool, Slot slot)
    {
        (_pool, Slot, _file, _dataOffset) = (pool, slot, slot.File, slot.DataOffset);
        (Checkpoint, Seal, Layout) = (slot.Snapshot!.Checkpoint, slot.Seal!, slot.Layout);
        (WorldSize, ExtraUtf8, Location) = (slot.WorldSize, slot.ExtraUtf8, slot.Location);
    }

    /// <summary>Whose image it is.</summary>
    public Rank Rank => _pool.Rank;

    /// <summary>The run.</summary>
    public RunId Run => _pool.Run;

    /// <summary>The step and attempt that captured it.</summary>
    public CheckpointId Checkpoint { get; }

    /// <summary>Its facts and chunk hashes.</summary>
    public ImageSeal Seal { get; }

    /// <summary>Its layout.</summary>
    public Layout Layout { get; }

    /// <summary>The world size of the attempt that captured it.</summary>
    public int WorldSize { get; }

    /// <summary>What the trainer had passed to the seal, as UTF-8 JSON; empty if nothing.</summary>
    public ReadOnlyMemory<byte> ExtraUtf8 { get; }

    /// <summary>The same, parsed; null if nothing.</summary>
    public JsonElement? Extra => ExtraUtf8.IsEmpty ? null : JsonElement.Parse(ExtraUtf8.Span);

    /// <summary>Where its bytes are, for a trainer of this node.</summary>
    public SlotLocation Location { get; }

    /// <summary>The slot itself.</summary>
    internal Slot Slot { get; }

    /// <summary>
    /// Bytes of the image as they lie in shared memory, not verified, at most 1 GiB. Throws
    /// <see cref="ErrorCode.ArenaCorrupt"/> if the file was shortened by somebody else (touching it would be SIGBUS).
    /// </summary>
    public ReadOnlyMemory<byte> Read(long offset, int length)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Seal.Geometry.ImageBytes - length);
        try
        {
            return _file.Slice(_dataOffset + offset, length);
        }
        catch (CheckpointerException e)
        {
            _pool.Damage(Slot, e);
            throw;
        }
    }

    /// <summary>
    /// Chunk <paramref name="chunk"/>, verified just now against its sealed hash, in place (no copy). Wrong bytes are
    /// <see cref="ErrorCode.ChunkCorrupt"/>, and the snapshot is marked failed: nobody gets a lease of it any more.
    /// </summary>
    public ReadOnlyMemory<byte> ReadVerified(int chunk)
    {
        var bytes = Read(Seal.Geometry.OffsetOf(chunk), Seal.Geometry.LengthOf(chunk));
        if (ChunkHash.Compute(bytes.Span) == Seal.Hashes[chunk])
        {
            return bytes;
        }

        var fault = new CheckpointerException(
            ErrorCode.ChunkCorrupt,
            $"Chunk {chunk} of snapshot {Checkpoint} of rank {Rank} of run {Run} is not what was sealed: its bytes changed in memory.");
        _pool.Damage(Slot, fault);
        throw fault;
    }

    /// <summary>
    /// Verifies every chunk, on up to <paramref name="parallelism"/> threads of which the caller's is one; throws as
    /// <see cref="ReadVerified"/> does. Blocks: about a second per 10 GB and thread, as far as memory's bandwidth goes.
    /// </summary>
    public void VerifyAll(int parallelism, CancellationToken cancellationToken)
    {
        var options = new ParallelOptions { MaxDegreeOfParallelism = parallelism, CancellationToken = cancellationToken };
        try
        {
            _ = Parallel.For(0, Seal.Geometry.Count, options, chunk => ReadVerified(chunk));
        }
        catch (AggregateException e) when (e.InnerException is CheckpointerException fault)
        {
            throw new CheckpointerException(fault.Code, fault.Message, inner: e);
        }
    }

    /// <summary>Ends the right.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _pool.EndUse(Slot);
        }
    }
}
