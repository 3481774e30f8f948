using System.Globalization;
using System.Text.Json.Serialization;

namespace Checkpointer.Formats.Identity;

/// <summary>The number of completed optimizer updates: step <i>n</i> is the state after update <i>n</i>; 0 is the state before the first.</summary>
[JsonConverter(typeof(StepJsonConverter))]
public readonly record struct Step : IComparable<Step>, IParsable<Step>
{
    /// <summary>Smallest permitted value.</summary>
    public const long MinValue = 0;

    /// <summary>Largest permitted value: as many digits as a zero-padded key has room for.</summary>
    public const long MaxValue = 999_999_999_999;

    /// <summary>Wraps <paramref name="value"/>; throws <see cref="ArgumentOutOfRangeException"/> outside the permitted range.</summary>
    public Step(long value)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(value, MinValue);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, MaxValue);
        Value = value;
    }

    /// <summary>The number.</summary>
    public long Value { get; }

    /// <summary>The number after this one.</summary>
    public Step Next => new(Value + 1);

    /// <inheritdoc/>
    public int CompareTo(Step other) => Value.CompareTo(other.Value);

    /// <summary>Parses a plain decimal number within the permitted range; throws <see cref="FormatException"/> otherwise.</summary>
    public static Step Parse(string s, IFormatProvider? provider = null) =>
        TryParse(s, provider, out var result)
            ? result
            : throw new FormatException($"A step is a whole number from {MinValue} to {MaxValue}.");

    /// <summary>Parses a plain decimal number; false if it is none or out of range.</summary>
    public static bool TryParse(string? s, IFormatProvider? provider, out Step result)
    {
        result = default;
        if (!long.TryParse(s, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            || value is < MinValue or > MaxValue)
        {
            return false;
        }

        result = new Step(value);
        return true;
    }

    /// <summary>Orders by number.</summary>
    public static bool operator <(Step left, Step right) => left.Value < right.Value;

    /// <summary>Orders by number.</summary>
    public static bool operator >(Step left, Step right) => left.Value > right.Value;

    /// <summary>Orders by number.</summary>
    public static bool operator <=(Step left, Step right) => left.Value <= right.Value;

    /// <summary>Orders by number.</summary>
    public static bool operator >=(Step left, Step right) => left.Value >= right.Value;

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
