using System.Globalization;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Cli.Verifying;

/// <summary>Which of a run's committed checkpoints are meant: all, the newest, those of a step, or one.</summary>
internal sealed record CheckpointChoice
{
    private const string LatestWord = "latest";
    private const int MaxNamed = 20;

    /// <summary>All.</summary>
    public static CheckpointChoice All { get; } = new();

    /// <summary>The newest.</summary>
    public static CheckpointChoice Latest { get; } = new() { IsLatest = true };

    private bool IsLatest { get; init; }

    private Step? Step { get; init; }

    private Attempt? Attempt { get; init; }

    /// <summary>Reads <c>latest</c>, a step, or <c>step.attempt</c>; null if it is none of them.</summary>
    public static CheckpointChoice? TryParse(string text)
    {
        if (text == LatestWord)
        {
            return Latest;
        }

        if (CheckpointId.TryParse(text, CultureInfo.InvariantCulture, out var checkpoint))
        {
            return new CheckpointChoice { Step = checkpoint.Step, Attempt = checkpoint.Attempt };
        }

        return Formats.Identity.Step.TryParse(text, CultureInfo.InvariantCulture, out var step) ? new CheckpointChoice { Step = step } : null;
    }

    /// <summary>
    /// Those of <paramref name="committed"/> (at least one; oldest first) that are meant. If none is, the error says which
    /// there are.
    /// </summary>
    public IReadOnlyList<CheckpointId> Select(RunId run, IReadOnlyList<CheckpointId> committed)
    {
        if (IsLatest)
        {
            return [committed[^1]];
        }

        var meant = committed
            .Where(checkpoint => (Step is null || checkpoint.Step == Step) && (Attempt is null || checkpoint.Attempt == Attempt))
            .ToList();
        return meant.Count > 0
            ? meant
            : throw new CliException($"Run {run} has no committed checkpoint {this}. It has {Name(committed)}.", ExitCode.Usage);
    }

    /// <inheritdoc/>
    public override string ToString() => IsLatest ? LatestWord
        : Step is not { } step ? "at all"
        : Attempt is { } attempt ? $"{step}.{attempt}"
        : $"of step {step}";

    private static string Name(IReadOnlyList<CheckpointId> committed)
    {
        var newest = string.Join(", ", committed.TakeLast(MaxNamed));
        return committed.Count > MaxNamed
            ? string.Create(CultureInfo.InvariantCulture, $"{committed.Count}, the newest of them {newest}")
            : newest;
    }
}
