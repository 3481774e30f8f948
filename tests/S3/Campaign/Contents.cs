using System.Buffers.Binary;
using System.IO.Hashing;
using Checkpointer.TestKit;

namespace Checkpointer.S3.Tests.Campaign;

/// <summary>What the campaign writes: all of it follows from a number, which stands in its first bytes.</summary>
internal static class Contents
{
    /// <summary>From a few bytes to more than a small call's (1 MiB), as indices and packs are.</summary>
    public static byte[] Make(int number)
    {
        var length = (number % 8) switch
        {
            0 => (1 << 20) + (number % 50_000),
            1 or 2 => (64 << 10) + (number % 5000),
            _ => 16 + (number % 3000),
        };
        var bytes = TestBytes.Make(length, number);
        BinaryPrimitives.WriteInt32LittleEndian(bytes, number);
        return bytes;
    }

    /// <summary>The number of a content, if it is one, whole and without a wrong bit.</summary>
    public static int? NumberOf(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 16)
        {
            return null;
        }

        var number = BinaryPrimitives.ReadInt32LittleEndian(bytes);
        return number >= 0 && Make(number).AsSpan().SequenceEqual(bytes) ? number : null;
    }

    /// <summary>As a reader knows it: by hash.</summary>
    public static UInt128 Hash(ReadOnlySpan<byte> bytes) => XxHash128.HashToUInt128(bytes);
}
