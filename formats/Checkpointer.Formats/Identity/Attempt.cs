using System.Globalization;
using System.Text.Json.Serialization;

namespace Checkpointer.Formats.Identity;

/// <summary>One incarnation of a run's world, granted by the service, strictly rising: the fencing token that every write carries. The default value (0) means none was granted.</summary>
[JsonConverter(typeof(AttemptJsonConverter))]
public readonly record struct Attempt : IComparable<Attempt>, IParsable<Attempt>
{
    /// <summary>Smallest permitted value.</summary>
    public const int MinValue = 1;

    /// <summary>Largest permitted value: as many digits as a zero-padded key has room for.</summary>
    public const int MaxValue = 999_999;

    /// <summary>Wraps <paramref name="value"/>; throws <see cref="ArgumentOutOfRangeException"/> outside the permitted range.</summary>
    public Attempt(int value)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(value, MinValue);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, MaxValue);
        Value = value;
    }

    /// <summary>The number.</summary>
    public int Value { get; }

    /// <summary>The number after this one.</summary>
    public Attempt Next => new(Value + 1);

    /// <inheritdoc/>
    public int CompareTo(Attempt other) => Value.CompareTo(other.Value);

    /// <summary>Parses a plain decimal number within the permitted range; throws <see cref="FormatException"/> otherwise.</summary>
    public static Attempt Parse(string s, IFormatProvider? provider = null) =>
        TryParse(s, provider, out var result)
            ? result
            : throw new FormatException($"A attempt is a whole number from {MinValue} to {MaxValue}.");

    /// <summary>Parses a plain decimal number; false if it is none or out of range.</summary>
    public static bool TryParse(string? s, IFormatProvider? provider, out Attempt result)
    {
        result = default;
        if (!int.TryParse(s, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            || value is < MinValue or > MaxValue)
        {
            return false;
        }

        result = new Attempt(value);
        return true;
    }

    /// <summary>Orders by number.</summary>
    public static bool operator <(Attempt left, Attempt right) => left.Value < right.Value;

    /// <summary>Orders by number.</summary>
    public static bool operator >(Attempt left, Attempt right) => left.Value > right.Value;

    /// <summary>Orders by number.</summary>
    public static bool operator <=(Attempt left, Attempt right) => left.Value <= right.Value;

    /// <summary>Orders by number.</summary>
    public static bool operator >=(Attempt left, Attempt right) => left.Value >= right.Value;

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
