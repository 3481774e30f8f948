using Checkpointer.Agent.Arenas;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Layouts;

namespace Checkpointer.Agent.Restoring;

/// <summary>A sealed image in a slot of this node. The lease is the caller's, who ends it after the restore.</summary>
internal sealed class LocalImageSource(SlotLease lease, string node) : IImageSource
{
    public string Description => $"the memory of this node ({node})";

    public SourceKind Kind => SourceKind.LocalMemory;

    public string? Node => node;

    public Task<ImageFacts?> OpenAsync(CancellationToken cancellationToken) => Task.FromResult<ImageFacts?>(
        new ImageFacts(lease.Seal.Image, lease.Seal.Geometry, lease.Seal.Hashes, lease.ExtraUtf8));

    public Task<Layout> ReadLayoutAsync(CancellationToken cancellationToken) => Task.FromResult(lease.Layout);

    public bool Has(int chunk) => true;

    public Task ReadAsync(int first, int count, Memory<byte> destination, CancellationToken cancellationToken)
    {
        lease.Read(lease.Seal.Geometry.OffsetOf(first), destination.Length).CopyTo(destination);
        return Task.CompletedTask;
    }

    public ReadOnlyMemory<byte>? Borrow(int chunk) =>
        lease.Read(lease.Seal.Geometry.OffsetOf(chunk), lease.Seal.Geometry.LengthOf(chunk));

    public void Distrust(int chunk)
    {
        try
        {
            _ = lease.ReadVerified(chunk);
        }
        catch (CheckpointerException e) when (e.Code is ErrorCode.ChunkCorrupt or ErrorCode.ArenaCorrupt)
        {
            // That it throws is the point: the arena now knows too, and offers the image to nobody else.
        }
    }
}
