using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Checkpointer.Formats.Errors;

/// <summary>Assertions that stay on in Release: a failed one is a bug in this program, never a bad input.</summary>
public static class Invariant
{
    /// <summary>Throws <see cref="InvariantViolationException"/> unless <paramref name="condition"/> holds.</summary>
    public static void Holds(
        [DoesNotReturnIf(false)] bool condition,
        [CallerArgumentExpression(nameof(condition))] string? expression = null)
    {
        if (!condition)
        {
            throw new InvariantViolationException($"Invariant violated: {expression}");
        }
    }
}
