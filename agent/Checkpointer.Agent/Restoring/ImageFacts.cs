using Checkpointer.Agent.Sealing;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Errors;

namespace Checkpointer.Agent.Restoring;

/// <summary>What one must know of a sealed image to read and verify it. The lists belong to the value.</summary>
/// <param name="Image">The image as sealed.</param>
/// <param name="Geometry">How it is cut.</param>
/// <param name="Hashes">The hash of every chunk, in order.</param>
/// <param name="Extra">What the trainer had passed to the seal, one JSON value in UTF-8; empty if nothing.</param>
internal sealed record ImageFacts(
    SealedImage Image, ChunkGeometry Geometry, IReadOnlyList<ChunkHash> Hashes, ReadOnlyMemory<byte> Extra)
{
    /// <summary>
    /// Throws <c>chunk_corrupt</c> unless these are facts of the image that <paramref name="planned"/> names: its root is
    /// the hash over length, cut and chunk hashes, so facts that pass are the ones that were sealed.
    /// </summary>
    public void CheckAgainst(ImageSources planned)
    {
        var hashes = Hashes as ChunkHash[] ?? [.. Hashes];
        var root = RootHash.Compute(Geometry.ImageBytes, Geometry.ChunkBytes, hashes).ToString();
        if (Geometry.ImageBytes != planned.ImageBytes || Image.Layout != planned.Layout
            || hashes.Length != Geometry.Count || root != planned.Root)
        {
            throw new CheckpointerException(
                ErrorCode.ChunkCorrupt,
                $"it describes {Geometry.ImageBytes} bytes of root {root} and layout {Image.Layout}; sealed were "
                + $"{planned.ImageBytes} bytes of root {planned.Root} and layout {planned.Layout}");
        }
    }

    /// <summary>The same as a seal, for a slot that holds the image.</summary>
    public ImageSeal ToSeal() => new(Image, Geometry, [.. Hashes]);
}
