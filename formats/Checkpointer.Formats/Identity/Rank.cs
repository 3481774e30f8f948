using System.Globalization;
using System.Text.Json.Serialization;

namespace Checkpointer.Formats.Identity;

/// <summary>A trainer process's number in its world, as torchrun counts: 0 to world size - 1.</summary>
[JsonConverter(typeof(RankJsonConverter))]
public readonly record struct Rank : IComparable<Rank>, IParsable<Rank>
{
    /// <summary>Smallest permitted value.</summary>
    public const int MinValue = 0;

    /// <summary>Largest permitted value: as many digits as a zero-padded key has room for.</summary>
    public const int MaxValue = 999_999;

    /// <summary>Wraps <paramref name="value"/>; throws <see cref="ArgumentOutOfRangeException"/> outside the permitted range.</summary>
    public Rank(int value)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(value, MinValue);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, MaxValue);
        Value = value;
    }

    /// <summary>The number.</summary>
    public int Value { get; }

    /// <summary>The number after this one.</summary>
    public Rank Next => new(Value + 1);

    /// <inheritdoc/>
    public int CompareTo(Rank other) => Value.CompareTo(other.Value);

    /// <summary>Parses a plain decimal number within the permitted range; throws <see cref="FormatException"/> otherwise.</summary>
    public static Rank Parse(string s, IFormatProvider? provider = null) =>
        TryParse(s, provider, out var result)
            ? result
            : throw new FormatException($"A rank is a whole number from {MinValue} to {MaxValue}.");

    /// <summary>Parses a plain decimal number; false if it is none or out of range.</summary>
    public static bool TryParse(string? s, IFormatProvider? provider, out Rank result)
    {
        result = default;
        if (!int.TryParse(s, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            || value is < MinValue or > MaxValue)
        {
            return false;
        }

        result = new Rank(value);
        return true;
    }

    /// <summary>Orders by number.</summary>
    public static bool operator <(Rank left, Rank right) => left.Value < right.Value;

    /// <summary>Orders by number.</summary>
    public static bool operator >(Rank left, Rank right) => left.Value > right.Value;

    /// <summary>Orders by number.</summary>
    public static bool operator <=(Rank left, Rank right) => left.Value <= right.Value;

    /// <summary>Orders by number.</summary>
    public static bool operator >=(Rank left, Rank right) => left.Value >= right.Value;

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
