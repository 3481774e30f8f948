using System.IO.Hashing;
using System.Text;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Formats.Layouts;

/// <summary>Where a rank's tensor lies in a tensor of the whole model.</summary>
public sealed record Placement
{
    /// <summary>Shape of the whole tensor, in elements.</summary>
    public required IReadOnlyList<long> GlobalShape { get; init; }

    /// <summary>Where the slice begins in each dimension, in elements.</summary>
    public required IReadOnlyList<long> Offsets { get; init; }

    /// <summary>Ranks that hold the very same slice, ascending, this rank among them; null if nobody else does.</summary>
    public IReadOnlyList<Rank>? Replicas { get; init; }

    /// <summary>
    /// The rank that stores a replicated tensor: <c>replicas[crc32(name in UTF-8) mod count]</c> with zlib's CRC-32, so
    /// that every rank finds the same answer alone and the stored bytes spread evenly.
    /// </summary>
    public static Rank OwnerOf(string name, IReadOnlyList<Rank> replicas)
    {
        ArgumentNullException.ThrowIfNull(replicas);
        ArgumentOutOfRangeException.ThrowIfZero(replicas.Count);
        return replicas[(int)(Crc32.HashToUInt32(Encoding.UTF8.GetBytes(name)) % (uint)replicas.Count)];
    }
}
