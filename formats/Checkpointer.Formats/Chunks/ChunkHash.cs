using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.IO.Hashing;

namespace Checkpointer.Formats.Chunks;

/// <summary>The XxHash128 of a run of bytes (seed 0). Detects damage; it is no defence against forgery.</summary>
public readonly record struct ChunkHash : IParsable<ChunkHash>
{
    /// <summary>Length in bytes.</summary>
    public const int SizeBytes = 16;

    private readonly UInt128 _value;

    private ChunkHash(UInt128 value) => _value = value;

    /// <summary>Hashes <paramref name="bytes"/>; allocates nothing.</summary>
    public static ChunkHash Compute(ReadOnlySpan<byte> bytes) => new(XxHash128.HashToUInt128(bytes));

    /// <summary>Reads the canonical (big-endian) form from the first 16 bytes of <paramref name="source"/>.</summary>
    public static ChunkHash ReadFrom(ReadOnlySpan<byte> source) => new(BinaryPrimitives.ReadUInt128BigEndian(source));

    /// <summary>Writes the canonical (big-endian) form to the first 16 bytes of <paramref name="destination"/>.</summary>
    public void WriteTo(Span<byte> destination) => BinaryPrimitives.WriteUInt128BigEndian(destination, _value);

    /// <summary>Parses 32 lower-case hex digits; throws <see cref="FormatException"/> on anything else.</summary>
    public static ChunkHash Parse(string s, IFormatProvider? provider = null) =>
        TryParse(s, provider, out var hash) ? hash : throw new FormatException("A chunk hash is 32 lower-case hex digits.");

    /// <summary>Parses 32 lower-case hex digits; false on anything else.</summary>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out ChunkHash result)
    {
        result = default;
        if (s is null || !LowerHex.Is(s, 2 * SizeBytes))
        {
            return false;
        }

        result = new ChunkHash(UInt128.Parse(s, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
        return true;
    }

    /// <summary>32 lower-case hex digits.</summary>
    public override string ToString() => _value.ToString("x32", CultureInfo.InvariantCulture);
}
