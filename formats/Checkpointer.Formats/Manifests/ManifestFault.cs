namespace Checkpointer.Formats.Manifests;

/// <summary>Every way in which bytes can fail to be a manifest; a parse stops at the first it meets.</summary>
public enum ManifestFault
{
    /// <summary>More than <see cref="Manifest.MaxBytes"/> bytes.</summary>
    TooLarge,

    /// <summary>Not one JSON object in UTF-8.</summary>
    NotJson,

    /// <summary>Not a <c>checkpointer.manifest</c>.</summary>
    WrongFormat,

    /// <summary>A version that this program does not know.</summary>
    WrongVersion,

    /// <summary>A field that is missing, doubled, unknown, or of the wrong kind or range.</summary>
    FieldInvalid,

    /// <summary>A world size out of range.</summary>
    WorldSizeInvalid,

    /// <summary>A chunk, image, stored or index length, or a count, that cannot be.</summary>
    LengthInvalid,

    /// <summary>A time that is not UTC.</summary>
    CreatedAtNotUtc,

    /// <summary>Shards that are not exactly one a rank, ascending.</summary>
    ShardsNotOnePerRank,

    /// <summary>A digest or root that is not lower-case hex of its length.</summary>
    DigestInvalid,

    /// <summary>A total that is not the sum over the shards.</summary>
    TotalMismatch,

    /// <summary>A parent that is not of an older step.</summary>
    ParentNotOlder,

    /// <summary>A lineage whose attempts do not ascend, go beyond the manifest's, or resume from a later attempt.</summary>
    LineageInvalid,
}
