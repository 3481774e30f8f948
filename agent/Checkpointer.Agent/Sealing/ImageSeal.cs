using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Errors;

namespace Checkpointer.Agent.Sealing;

/// <summary>What sealing found: the image's facts and the hash of every chunk. Immutable.</summary>
internal sealed class ImageSeal
{
    private readonly ChunkHash[] _hashes;

    /// <summary>Puts a seal together; the hashes must be those of the root. Keeps the array.</summary>
    public ImageSeal(SealedImage image, ChunkGeometry geometry, ChunkHash[] hashes)
    {
        Invariant.Holds(geometry.ImageBytes == image.ImageBytes && geometry.Count == hashes.Length);
        (Image, Geometry, _hashes) = (image, geometry, hashes);
        Root = ChunkHash.Parse(image.Root);
        Invariant.Holds(RootHash.Compute(geometry.ImageBytes, geometry.ChunkBytes, hashes) == Root);
    }

    /// <summary>The facts that are reported.</summary>
    public SealedImage Image { get; }

    /// <summary>How the image is cut.</summary>
    public ChunkGeometry Geometry { get; }

    /// <summary>The root over the hashes.</summary>
    public ChunkHash Root { get; }

    /// <summary>The hash of each chunk, in order.</summary>
    public IReadOnlyList<ChunkHash> Hashes => _hashes;
}
