using System.Security.Cryptography;
using Checkpointer.Formats.Errors;

namespace Checkpointer.Formats.Layouts;

/// <summary>
/// The description of an image: the JSON header of the safetensors file whose data section the image is, with each
/// slice's place in the whole model in <c>__metadata__</c> (formats/SPEC.md, "Layout"). Immutable; a value that exists
/// has passed every check.
/// </summary>
public sealed class Layout
{
    /// <summary>Largest layout in bytes.</summary>
    public const int MaxBytes = 64 * 1024 * 1024;

    /// <summary>Most tensors in a layout.</summary>
    public const int MaxTensors = 1_000_000;

    /// <summary>Longest tensor name in bytes of UTF-8.</summary>
    public const int MaxNameBytes = 1024;

    /// <summary>Most dimensions of a tensor.</summary>
    public const int MaxDimensions = 16;

    /// <summary>Largest image in bytes: 4 TiB, so as many chunks of the default length as an index can name.</summary>
    public const long MaxImageBytes = 1L << 42;

    /// <summary>Largest tensor, of one rank or of the whole model, in bytes: leaves sums of two room in 64 bits.</summary>
    public const long MaxTensorBytes = 1L << 61;

    private readonly Dictionary<string, TensorEntry> _byName;

    private Layout(byte[] utf8, TensorEntry[] tensors, long storedBytes)
    {
        Utf8 = utf8;
        Digest = Convert.ToHexStringLower(SHA256.HashData(utf8));
        Tensors = tensors;
        ImageBytes = tensors.Length == 0 ? 0 : tensors[^1].End;
        StoredBytes = storedBytes;
        _byName = tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
    }

    /// <summary>The exact bytes it was parsed from.</summary>
    public ReadOnlyMemory<byte> Utf8 { get; }

    /// <summary>Lower-case hex SHA-256 of <see cref="Utf8"/>: its name in the store.</summary>
    public string Digest { get; }

    /// <summary>Length of the image in bytes.</summary>
    public long ImageBytes { get; }

    /// <summary>Length of the image's prefix that this rank stores; the rest is stored by other ranks.</summary>
    public long StoredBytes { get; }

    /// <summary>All tensors, by offset (those without bytes before those with bytes at the same offset, then by name).</summary>
    public IReadOnlyList<TensorEntry> Tensors { get; }

    /// <summary>The tensor of that name, or null.</summary>
    public TensorEntry? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>
    /// Reads a layout. Keeps a copy of the bytes. Memory is bounded by <see cref="MaxBytes"/> and
    /// <see cref="MaxTensors"/>. Throws <see cref="FormatFaultException"/> with a <see cref="LayoutFault"/>, nothing else.
    /// </summary>
    public static Layout Parse(ReadOnlySpan<byte> utf8)
    {
        var tensors = LayoutReader.Read(utf8);
        Array.Sort(tensors, ByOffset);
        var storedBytes = LayoutValidator.Check(tensors);
        return new Layout(utf8.ToArray(), tensors, storedBytes);
    }

    private static int ByOffset(TensorEntry left, TensorEntry right)
    {
        var byBegin = left.Begin.CompareTo(right.Begin);
        var order = byBegin != 0 ? byBegin : left.End.CompareTo(right.End);
        return order != 0 ? order : string.CompareOrdinal(left.Name, right.Name);
    }
}
