using System.Text.Json;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Runs;

/// <summary>
/// What the trainer says of one completed step; the ledger keeps it. Floating point values are IEEE-754 doubles written
/// so that they round-trip exactly; <c>"NaN"</c>, <c>"Infinity"</c> and <c>"-Infinity"</c> are strings.
/// </summary>
public sealed record StepReport
{
    /// <summary>The step that was completed.</summary>
    public required Step Step { get; init; }

    /// <summary>Its loss; compared bit for bit when the step is replayed.</summary>
    public double? Loss { get; init; }

    /// <summary>Global gradient norm before clipping; compared bit for bit when the step is replayed.</summary>
    public double? GradNorm { get; init; }

    /// <summary>Whether the optimizer update was skipped (a loss scaler found non-finite gradients).</summary>
    public bool Skipped { get; init; }

    /// <summary>Where in the data the next step begins: any JSON value up to 4 KiB; compared as text when the step is replayed.</summary>
    public JsonElement? DataCursor { get; init; }

    /// <summary>A digest of the random number generators after the step, if the trainer gives one, up to 128 characters.</summary>
    public string? RngDigest { get; init; }

    /// <summary>How long the step took, in milliseconds.</summary>
    public double? StepMs { get; init; }

    /// <summary>How long saving held the trainer since the step before was reported, in milliseconds; part of <see cref="StepMs"/>.</summary>
    public double? StallMs { get; init; }
}
