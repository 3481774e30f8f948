namespace Checkpointer.Formats.Codecs;

/// <summary>Facts of codecs.</summary>
public static class CodecIds
{
    /// <summary>Whether this version can encode and decode chunks with <paramref name="codec"/>.</summary>
    public static bool IsSupported(this CodecId codec) => codec == CodecId.Raw;
}
