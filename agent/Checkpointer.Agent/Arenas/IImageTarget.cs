namespace Checkpointer.Agent.Arenas;

/// <summary>Where an image is put. Both ways may be used concurrently at different offsets.</summary>
internal interface IImageTarget
{
    /// <summary>The memory of a stretch of the image, at most 1 GiB, to be written in place: for pieces that come from here and there.</summary>
    Memory<byte> Write(long offset, int length);

    /// <summary>
    /// Puts a whole stretch there that <paramref name="read"/> gives: it fills the memory that it is handed, which is the
    /// stretch itself or a buffer that is copied there when it returns. If it throws, nothing of the stretch counts.
    /// </summary>
    ValueTask FillAsync(long offset, int length, Func<Memory<byte>, ValueTask> read);
}
