using System.Globalization;
using Checkpointer.Contracts.Runs;

namespace Checkpointer.Cli.Ledger;

/// <summary>Counts what went by: how many steps, how many of them replayed, and where some are missing.</summary>
internal sealed class LedgerSummary
{
    private const int MaxNamedGaps = 8;

    private readonly List<string> _gaps = [];
    private LedgerEntry? _first;
    private LedgerEntry? _last;
    private (int Entries, int Replayed, int Diverged, int Skipped, int Gaps) _counts;
    private long _lowest = long.MaxValue;
    private long _highest;

    /// <summary>
    /// The next entry, as the ledger has them: by attempt, then step. <paramref name="follows"/> is the step that it must come
    /// after, if it is the first of its attempt; null if nobody knows.
    /// </summary>
    public void Add(LedgerEntry entry, long? follows)
    {
        var step = entry.Report.Step.Value;
        var before = _last is { } last && last.Attempt == entry.Attempt ? last.Report.Step.Value : follows;
        if (before is { } previous && step > previous + 1)
        {
            _counts.Gaps++;
            if (_gaps.Count < MaxNamedGaps)
            {
                _gaps.Add(step == previous + 2 ? $"{previous + 1}" : $"{previous + 1} to {step - 1}");
            }
        }

        _first ??= entry;
        _last = entry;
        _lowest = Math.Min(_lowest, step);
        _highest = Math.Max(_highest, step);
        _counts.Entries++;
        _counts.Replayed += entry.Replayed ? 1 : 0;
        _counts.Diverged += entry.Diverged ? 1 : 0;
        _counts.Skipped += entry.Report.Skipped ? 1 : 0;
    }

    /// <summary>All in one line.</summary>
    public override string ToString()
    {
        if (_first is null)
        {
            return "no steps";
        }

        var more = _counts.Gaps > _gaps.Count ? $" and {_counts.Gaps - _gaps.Count} more" : "";
        var gaps = _counts.Gaps == 0 ? "none" : $"{string.Join(", ", _gaps)}{more}";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"steps {_lowest} to {_highest}: {_counts.Entries} entries, {_counts.Replayed} replayed, {_counts.Diverged} diverged, {_counts.Skipped} skipped; gaps: {gaps}");
    }
}
