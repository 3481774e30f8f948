using System.Text.Json;
using Checkpointer.Agent.Sealing;
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
    /// <summary>Whose image it is.</summary>
    public Rank Rank => throw new NotSupportedException();

    /// <summary>The step and attempt that captured it.</summary>
    public CheckpointId Checkpoint => throw new NotSupportedException();

    /// <summary>Its facts and chunk hashes.</summary>
    public ImageSeal Seal => throw new NotSupportedException();

    /// <summary>Its layout.</summary>
    public Layout Layout => throw new NotSupportedException();

    /// <summary>The world size of the attempt that captured it.</summary>
    public int WorldSize => throw new NotSupportedException();

    /// <summary>What the trainer had passed to the seal, as UTF-8 JSON; empty if nothing.</summary>
    public ReadOnlyMemory<byte> ExtraUtf8 => throw new NotSupportedException();

    /// <summary>The same, parsed; null if nothing.</summary>
    public JsonElement? Extra => throw new NotSupportedException();

    /// <summary>Where its bytes are, for a trainer of this node.</summary>
    public Contracts.Trainers.SlotLocation Location => throw new NotSupportedException();

    /// <summary>
    /// Bytes of the image as they lie in shared memory, not verified. Throws <see cref="ErrorCode.ArenaCorrupt"/> if the
    /// file was shortened by somebody else (touching it would be SIGBUS).
    /// </summary>
    public ReadOnlyMemory<byte> Read(long offset, int length) => throw new NotSupportedException();

    /// <summary>
    /// Chunk <paramref name="chunk"/>, verified just now against its sealed hash, in place (no copy). Wrong bytes are
    /// <see cref="ErrorCode.ChunkCorrupt"/>, and the snapshot is marked failed: nobody gets a lease of it any more.
    /// </summary>
    public ReadOnlyMemory<byte> ReadVerified(int chunk) => throw new NotSupportedException();

    /// <summary>Verifies every chunk; throws as <see cref="ReadVerified"/> does. Blocks for about a second per 10 GB.</summary>
    public void VerifyAll(CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>Ends the right.</summary>
    public void Dispose()
    {
    }
}
