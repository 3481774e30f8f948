using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Service.Runs.Ledger;

/// <summary>
/// The steps that a run took, in the order in which they were recorded, which is by attempt, then step. Numbered from 1;
/// beyond its limits it forgets the oldest eighth.
/// </summary>
internal sealed class StepLedger
{
    private readonly List<LedgerEntry> _entries = [];
    private long _textLength;

    /// <summary>How many entries were forgotten: the number of the oldest kept one, less one.</summary>
    public long Forgotten { get; private set; }

    /// <summary>The kept entries.</summary>
    public IReadOnlyList<LedgerEntry> Entries => _entries;

    /// <summary>Steps of the current attempt that were reported again with other values.</summary>
    public HashSet<long> Disputed { get; } = [];

    /// <summary>Takes the ledger that was read.</summary>
    public void Load(long forgotten, IEnumerable<LedgerEntry> entries, IEnumerable<long> disputed)
    {
        Forgotten = forgotten;
        foreach (var entry in entries)
        {
            _entries.Add(entry);
            _textLength += StepValues.TextLength(entry.Report);
        }

        Disputed.UnionWith(disputed);
    }

    /// <summary>Adds an entry.</summary>
    public void Append(LedgerEntry entry)
    {
        Invariant.Holds(_entries.Count == 0 || Compare(_entries[^1], entry.Attempt, entry.Report.Step.Value) < 0);
        _entries.Add(entry);
        _textLength += StepValues.TextLength(entry.Report);
        while (_entries.Count > RunLimits.MaxLedgerEntries || (_textLength > RunLimits.MaxLedgerTextLength && _entries.Count > 1))
        {
            Forget(Math.Max(1, _entries.Count / 8));
        }
    }

    /// <summary>What <paramref name="attempt"/> recorded for a step; null if nothing (that is kept).</summary>
    public LedgerEntry? Find(Attempt attempt, Step step)
    {
        var index = FirstAfter(attempt, step.Value - 1);
        return index < _entries.Count && _entries[index].Attempt == attempt && _entries[index].Report.Step == step
            ? _entries[index]
            : null;
    }

    /// <summary>The newest step that <paramref name="attempt"/> recorded, at most <paramref name="atMost"/>; null if none.</summary>
    public Step? NewestOf(Attempt attempt, long atMost = Step.MaxValue)
    {
        var index = FirstAfter(attempt, atMost) - 1;
        return index >= 0 && _entries[index].Attempt == attempt ? _entries[index].Report.Step : null;
    }

    /// <summary>Up to <paramref name="limit"/> entries numbered above <paramref name="after"/>.</summary>
    public IReadOnlyList<LedgerEntry> After(long after, int limit)
    {
        var first = (int)Math.Clamp(after - Forgotten, 0, _entries.Count);
        return _entries.GetRange(first, Math.Min(limit, _entries.Count - first));
    }

    private static int Compare(LedgerEntry entry, Attempt attempt, long step)
    {
        var byAttempt = entry.Attempt.CompareTo(attempt);
        return byAttempt != 0 ? byAttempt : entry.Report.Step.Value.CompareTo(step);
    }

    // The index of the first entry beyond (attempt, step).
    private int FirstAfter(Attempt attempt, long step)
    {
        var (low, high) = (0, _entries.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = Compare(_entries[middle], attempt, step) <= 0 ? (middle + 1, high) : (low, middle);
        }

        return low;
    }

    private void Forget(int count)
    {
        _textLength -= _entries.Take(count).Sum(entry => StepValues.TextLength(entry.Report));
        _entries.RemoveRange(0, count);
        Forgotten += count;
    }
}
