using Checkpointer.Formats.Layouts;

namespace Checkpointer.Agent.Restoring;

/// <summary>
/// One place that has bytes of one image. Sources verify nothing but their own framing: <see cref="ImageReader"/> checks
/// every byte against what was sealed. Failures are <see cref="Checkpointer.Formats.Errors.CheckpointerException"/>.
/// All members may be called concurrently once <see cref="OpenAsync"/> has ended.
/// </summary>
internal interface IImageSource
{
    /// <summary>For messages: what it is and where.</summary>
    string Description { get; }

    /// <summary>What kind of place it is.</summary>
    SourceKind Kind { get; }

    /// <summary>Whose memory it is; null if it is none's.</summary>
    string? Node => null;

    /// <summary>
    /// Gets the image's facts, or null if it has only bytes. Called once, before anything else but
    /// <see cref="ReadLayoutAsync"/>.
    /// </summary>
    Task<ImageFacts?> OpenAsync(CancellationToken cancellationToken);

    /// <summary>The image's layout, checked by the caller against its digest.</summary>
    Task<Layout> ReadLayoutAsync(CancellationToken cancellationToken);

    /// <summary>Whether it has that chunk at all.</summary>
    bool Has(int chunk);

    /// <summary>Fills <paramref name="destination"/> with <paramref name="count"/> whole chunks from <paramref name="first"/>.</summary>
    Task ReadAsync(int first, int count, Memory<byte> destination, CancellationToken cancellationToken);

    /// <summary>The chunk's bytes where they lie, if it can be read without a copy; valid until the restore ends.</summary>
    ReadOnlyMemory<byte>? Borrow(int chunk) => null;

    /// <summary>The chunk that it gave was wrong: a source that can do something about it does.</summary>
    void Distrust(int chunk)
    {
    }
}
