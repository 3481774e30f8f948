namespace Checkpointer.Formats.Layouts;

/// <summary>Facts of each <see cref="DType"/>.</summary>
public static class DTypes
{
    private static readonly Dictionary<string, DType> ByName =
        Enum.GetValues<DType>().ToDictionary(SafetensorsName, StringComparer.Ordinal);

    /// <summary>Length of one element in bytes.</summary>
    public static int SizeBytes(this DType type) => type switch
    {
        DType.Bool or DType.U8 or DType.I8 or DType.F8E4M3 or DType.F8E5M2 => 1,
        DType.I16 or DType.U16 or DType.F16 or DType.BF16 => 2,
        DType.I32 or DType.U32 or DType.F32 => 4,
        DType.F64 or DType.I64 or DType.U64 => 8,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "No such dtype."),
    };

    /// <summary>Whether elements can be NaN.</summary>
    public static bool IsFloatingPoint(this DType type) =>
        type is DType.F8E4M3 or DType.F8E5M2 or DType.F16 or DType.BF16 or DType.F32 or DType.F64;

    /// <summary>The name in a safetensors header.</summary>
    public static string SafetensorsName(this DType type) => type switch
    {
        DType.Bool => "BOOL",
        DType.F8E4M3 => "F8_E4M3",
        DType.F8E5M2 => "F8_E5M2",
        _ => Enum.GetName(type) ?? throw new ArgumentOutOfRangeException(nameof(type), type, "No such dtype."),
    };

    /// <summary>The dtype of that safetensors name (upper case, exact); false if there is none.</summary>
    public static bool TryParse(string? name, out DType type)
    {
        type = default;
        return name is not null && ByName.TryGetValue(name, out type);
    }
}
