namespace Checkpointer.Formats.Codecs;

/// <summary>
/// How a chunk is encoded at rest. Ids are for ever: one that this version cannot decode is a named fault, never a guess.
/// </summary>
public enum CodecId : byte
{
    /// <summary>As it is in the image.</summary>
    Raw = 0,

    /// <summary>Reserved: one LZ4 block.</summary>
    Lz4 = 1,

    /// <summary>Reserved: split into byte planes by element size, then one LZ4 block.</summary>
    PlanesLz4 = 2,

    /// <summary>Reserved: XOR with the same chunk of an older image, then as <see cref="PlanesLz4"/>.</summary>
    DeltaPlanesLz4 = 3,

    /// <summary>Not in this shard: the chunk lies wholly behind the stored prefix, and other ranks store its bytes.</summary>
    Elsewhere = 255,
}
