namespace Checkpointer.Formats.Packs;

/// <summary>Every way in which bytes can fail to be the head of a pack; a parse stops at the first it meets.</summary>
public enum PackFault
{
    /// <summary>Fewer bytes than the header says it has.</summary>
    Truncated,

    /// <summary>The first 8 bytes are not a pack's.</summary>
    WrongMagic,

    /// <summary>A version that this program does not know.</summary>
    WrongVersion,

    /// <summary>No entries, or more than <see cref="PackHeader.MaxEntries"/>.</summary>
    EntryCountInvalid,

    /// <summary>A header length that is not that of its entries.</summary>
    HeaderLengthMismatch,

    /// <summary>The header's own hash does not match.</summary>
    HeaderHashMismatch,

    /// <summary>A step, attempt, rank or pack number out of range.</summary>
    IdentityInvalid,

    /// <summary>A reserved byte that is not zero.</summary>
    ReservedNotZero,

    /// <summary>A codec that this program cannot decode.</summary>
    CodecUnsupported,

    /// <summary>Chunk numbers that do not ascend, or are beyond what an image can have.</summary>
    ChunkOrderInvalid,

    /// <summary>A length that is zero, beyond its limit, or impossible for the codec.</summary>
    LengthInvalid,

    /// <summary>A payload length that is not the sum of the entries', or is beyond <see cref="PackHeader.MaxPayloadBytes"/>.</summary>
    PayloadLengthMismatch,
}
