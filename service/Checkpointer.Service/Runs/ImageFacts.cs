using Checkpointer.Contracts.Runs;

namespace Checkpointer.Service.Runs;

/// <summary>What is kept of a sealed image.</summary>
internal sealed record ImageFacts
{
    /// <summary>Lower-case hex SHA-256 of its layout.</summary>
    public required string Layout { get; init; }

    /// <summary>Length in bytes.</summary>
    public required long ImageBytes { get; init; }

    /// <summary>Root hash: 32 lower-case hex digits.</summary>
    public required string Root { get; init; }

    /// <summary>Number of NaN values.</summary>
    public long NanCount { get; init; }

    /// <summary>Number of infinite values.</summary>
    public long InfCount { get; init; }

    /// <summary>The facts of <paramref name="image"/>.</summary>
    public static ImageFacts Of(SealedImage image) => new()
    {
        Layout = image.Layout,
        ImageBytes = image.ImageBytes,
        Root = image.Root,
        NanCount = image.NanCount,
        InfCount = image.InfCount,
    };

    /// <summary>Whether <paramref name="other"/> has the same bytes in the same layout.</summary>
    public bool SameBytes(ImageFacts other) => SameBytes(other.Layout, other.ImageBytes, other.Root);

    /// <inheritdoc cref="SameBytes(ImageFacts)"/>
    public bool SameBytes(string layout, long imageBytes, string root) =>
        Root == root && ImageBytes == imageBytes && Layout == layout;
}
