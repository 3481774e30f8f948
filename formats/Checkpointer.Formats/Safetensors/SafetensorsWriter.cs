using System.Buffers.Binary;
using Checkpointer.Formats.Layouts;

namespace Checkpointer.Formats.Safetensors;

/// <summary>
/// Writes what must precede image bytes to make them a .safetensors file: the length of the JSON header (u64
/// little-endian), then the header, padded with spaces to a multiple of 8 bytes so that the data is aligned.
/// </summary>
public static class SafetensorsWriter
{
    private const int LengthBytes = 8;
    private const int AlignmentBytes = 8;

    /// <summary>The head of a file whose data is the whole image: the layout's own bytes.</summary>
    public static byte[] WriteHeader(Layout layout)
    {
        ArgumentNullException.ThrowIfNull(layout);
        return Frame(layout.Utf8.Span);
    }

    /// <summary>
    /// The head of a file whose data is the first <see cref="Layout.StoredBytes"/> bytes of the image, with only the
    /// tensors that the rank stores: what one shard can give without any other.
    /// </summary>
    public static byte[] WriteStoredHeader(Layout layout)
    {
        ArgumentNullException.ThrowIfNull(layout);
        return layout.StoredBytes == layout.ImageBytes && layout.Tensors.All(tensor => tensor.Stored)
            ? WriteHeader(layout)
            : Frame(LayoutWriter.Write(
                [.. layout.Tensors.Where(tensor => tensor.Stored && tensor.End <= layout.StoredBytes)]));
    }

    private static byte[] Frame(ReadOnlySpan<byte> json)
    {
        var padded = (json.Length + AlignmentBytes - 1) / AlignmentBytes * AlignmentBytes;
        var bytes = new byte[LengthBytes + padded];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, padded);
        json.CopyTo(bytes.AsSpan(LengthBytes));
        bytes.AsSpan(LengthBytes + json.Length).Fill((byte)' ');
        return bytes;
    }
}
