namespace Checkpointer.Formats.Indices;

/// <summary>Every way in which bytes can fail to be an index; a parse stops at the first it meets.</summary>
public enum IndexFault
{
    /// <summary>Fewer bytes than the index says it has.</summary>
    Truncated,

    /// <summary>More bytes than the index says it has.</summary>
    TrailingBytes,

    /// <summary>The first 8 bytes are not an index's.</summary>
    WrongMagic,

    /// <summary>A version that this program does not know.</summary>
    WrongVersion,

    /// <summary>A number of packs or chunks, or a length of the extra value, beyond its limit.</summary>
    CountInvalid,

    /// <summary>The index's own hash does not match.</summary>
    HashMismatch,

    /// <summary>A step, attempt, rank, world size or pack number out of range.</summary>
    IdentityInvalid,

    /// <summary>A reserved byte that is not zero.</summary>
    ReservedNotZero,

    /// <summary>Image, stored or chunk length that cannot be.</summary>
    LengthInvalid,

    /// <summary>A layout digest that is not 64 lower-case hex digits.</summary>
    LayoutDigestInvalid,

    /// <summary>Another number of chunks than the image is cut into.</summary>
    ChunkCountMismatch,

    /// <summary>Packs that are not in ascending order, each once.</summary>
    PackOrderInvalid,

    /// <summary>A pack's length that no pack can have.</summary>
    PackLengthInvalid,

    /// <summary>A codec that this program cannot decode.</summary>
    CodecUnsupported,

    /// <summary>A chunk of the stored prefix that is elsewhere, or one behind it that is not (or has a place).</summary>
    StoredPrefixMismatch,

    /// <summary>A chunk in a pack that the index does not name.</summary>
    PackOrdinalInvalid,

    /// <summary>A chunk whose length at rest is impossible for its codec.</summary>
    StoredLengthInvalid,

    /// <summary>A chunk that reaches beyond its pack.</summary>
    OffsetOutOfPack,

    /// <summary>Two chunks that share some but not all of their bytes at rest, or all of them with unequal hashes.</summary>
    ChunksOverlap,

    /// <summary>A pack that no chunk lies in.</summary>
    PackUnused,

    /// <summary>The root is not the hash of the chunks' hashes.</summary>
    RootMismatch,

    /// <summary>An extra value that is not JSON.</summary>
    ExtraNotJson,
}
