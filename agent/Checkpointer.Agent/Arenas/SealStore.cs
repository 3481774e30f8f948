using System.Buffers.Binary;
using System.Text;
using Checkpointer.Agent.Sealing;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Layouts;

namespace Checkpointer.Agent.Arenas;

/// <summary>
/// A seal as it lies in the arena file, so that a restarted agent need not hash again: chunk hashes back to back, and
/// names, each as a u16 length and UTF-8. The header page holds the rest and the hashes of both.
/// </summary>
internal static class SealStore
{
    private const int MaxNames = 16;

    public static void Write(ArenaFile file, ImageSeal seal)
    {
        var names = EncodeNames(seal);
        names.CopyTo(file.Slice(ArenaGeometry.NamesOffset, ArenaGeometry.MaxNamesBytes).Span);
        var hashes = file.Slice(ArenaGeometry.HashesOffset, seal.Hashes.Count * ChunkHash.SizeBytes).Span;
        for (var i = 0; i < seal.Hashes.Count; i++)
        {
            seal.Hashes[i].WriteTo(hashes[(i * ChunkHash.SizeBytes)..]);
        }
    }

    /// <summary>The seal that the header speaks of; null if what lies there is not it.</summary>
    public static ImageSeal? TryRead(ArenaFile file, ArenaHeader header)
    {
        var names = file.Slice(ArenaGeometry.NamesOffset, header.NamesBytes).Span;
        var geometry = new ChunkGeometry(header.ImageBytes, header.ChunkBytes);
        var hashes = new ChunkHash[geometry.Count];
        var source = file.Slice(ArenaGeometry.HashesOffset, hashes.Length * ChunkHash.SizeBytes).Span;
        for (var i = 0; i < hashes.Length; i++)
        {
            hashes[i] = ChunkHash.ReadFrom(source[(i * ChunkHash.SizeBytes)..]);
        }

        if (ChunkHash.Compute(names) != header.NamesHash
            || RootHash.Compute(geometry.ImageBytes, geometry.ChunkBytes, hashes) != header.Root
            || TryDecodeNames(names) is not { } tensors)
        {
            return null;
        }

        var image = new SealedImage
        {
            Layout = header.Layout,
            ImageBytes = header.ImageBytes,
            Root = header.Root.ToString(),
            NanCount = header.NanCount,
            InfCount = header.InfCount,
            NonFiniteTensors = tensors,
        };
        return new ImageSeal(image, geometry, hashes);
    }

    public static int LengthOfNames(ImageSeal? seal) => EncodeNames(seal).Length;

    public static ChunkHash HashOfNames(ImageSeal? seal) => ChunkHash.Compute(EncodeNames(seal));

    private static byte[] EncodeNames(ImageSeal? seal)
    {
        if (seal is null || seal.Image.NonFiniteTensors.Count == 0)
        {
            return [];
        }

        using var bytes = new MemoryStream();
        Span<byte> length = stackalloc byte[sizeof(ushort)];
        foreach (var name in seal.Image.NonFiniteTensors)
        {
            var utf8 = Encoding.UTF8.GetBytes(name);
            BinaryPrimitives.WriteUInt16LittleEndian(length, (ushort)utf8.Length);
            bytes.Write(length);
            bytes.Write(utf8);
        }

        return bytes.ToArray();
    }

    private static List<string>? TryDecodeNames(ReadOnlySpan<byte> bytes)
    {
        var names = new List<string>();
        while (!bytes.IsEmpty)
        {
            if (bytes.Length < sizeof(ushort) || names.Count == MaxNames)
            {
                return null;
            }

            var length = BinaryPrimitives.ReadUInt16LittleEndian(bytes);
            bytes = bytes[sizeof(ushort)..];
            if (length > bytes.Length || length > Layout.MaxNameBytes)
            {
                return null;
            }

            names.Add(Encoding.UTF8.GetString(bytes[..length]));
            bytes = bytes[length..];
        }

        return names;
    }
}
