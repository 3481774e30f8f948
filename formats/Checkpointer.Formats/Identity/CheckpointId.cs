using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Checkpointer.Formats.Identity;

/// <summary>
/// Names one checkpoint (or snapshot) of a run: the step it holds and the attempt that took it, written
/// <c>40.2</c> for step 40 of attempt 2. A step reached again by a later attempt thus never collides.
/// Ordered by step, then attempt. In JSON an object <c>{"step":40,"attempt":2}</c>.
/// </summary>
/// <param name="Step">The step.</param>
/// <param name="Attempt">The attempt that captured it.</param>
public readonly record struct CheckpointId(Step Step, Attempt Attempt)
    : IComparable<CheckpointId>, IParsable<CheckpointId>
{
    /// <inheritdoc/>
    public int CompareTo(CheckpointId other)
    {
        var byStep = Step.CompareTo(other.Step);
        return byStep != 0 ? byStep : Attempt.CompareTo(other.Attempt);
    }

    /// <summary>Parses <c>step.attempt</c>; throws <see cref="FormatException"/> otherwise.</summary>
    public static CheckpointId Parse(string s, IFormatProvider? provider = null) =>
        TryParse(s, provider, out var result)
            ? result
            : throw new FormatException("A checkpoint is written STEP.ATTEMPT, for example 40.2.");

    /// <summary>Parses <c>step.attempt</c>; false if it is not of that form.</summary>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out CheckpointId result)
    {
        result = default;
        var dot = s?.IndexOf('.', StringComparison.Ordinal) ?? -1;
        if (dot < 0 || !Step.TryParse(s![..dot], provider, out var step)
            || !Attempt.TryParse(s[(dot + 1)..], provider, out var attempt))
        {
            return false;
        }

        result = new CheckpointId(step, attempt);
        return true;
    }

    /// <summary>Orders by step, then attempt.</summary>
    public static bool operator <(CheckpointId left, CheckpointId right) => left.CompareTo(right) < 0;

    /// <summary>Orders by step, then attempt.</summary>
    public static bool operator >(CheckpointId left, CheckpointId right) => left.CompareTo(right) > 0;

    /// <summary>Orders by step, then attempt.</summary>
    public static bool operator <=(CheckpointId left, CheckpointId right) => left.CompareTo(right) <= 0;

    /// <summary>Orders by step, then attempt.</summary>
    public static bool operator >=(CheckpointId left, CheckpointId right) => left.CompareTo(right) >= 0;

    /// <inheritdoc/>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Step.Value}.{Attempt.Value}");
}
