using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Indices;

namespace Checkpointer.Agent.Arenas;

/// <summary>
/// Where things lie in an arena file: two header pages, the trainer's extra value, names of tensors with non-finite
/// values, chunk hashes, and the image at <see cref="DataOffset"/>.
/// </summary>
internal static class ArenaGeometry
{
    /// <summary>Length of a header page in bytes; they lie at 0 and behind each other.</summary>
    public const int PageBytes = 4096;

    /// <summary>Where the trainer's extra value lies.</summary>
    public const int ExtraOffset = 2 * PageBytes;

    /// <summary>Most bytes of it.</summary>
    public const int MaxExtraBytes = ShardIndex.MaxExtraBytes;

    /// <summary>Where the names of tensors with non-finite values lie.</summary>
    public const int NamesOffset = ExtraOffset + MaxExtraBytes;

    /// <summary>Most bytes of them: 16 names of at most 1,024 bytes each with its length, and room.</summary>
    public const int MaxNamesBytes = 8 * PageBytes;

    /// <summary>Where the chunk hashes lie.</summary>
    public const int HashesOffset = NamesOffset + MaxNamesBytes;

    /// <summary>Where the image lies unless there are more than 46,592 chunks (182 GiB at 4 MiB): 1 MiB.</summary>
    public const int UsualDataOffset = 1024 * 1024;

    /// <summary>Where the image lies, in bytes: behind room for all chunk hashes, a multiple of the page.</summary>
    public static long DataOffset(ChunkGeometry geometry) =>
        Math.Max(UsualDataOffset, RoundUp(HashesOffset + ((long)geometry.Count * ChunkHash.SizeBytes)));

    /// <summary>Room for the image in bytes: whole pages, at least one.</summary>
    public static long DataBytes(long imageBytes) => Math.Max(PageBytes, RoundUp(imageBytes));

    private static long RoundUp(long bytes) => (bytes + PageBytes - 1) / PageBytes * PageBytes;
}
