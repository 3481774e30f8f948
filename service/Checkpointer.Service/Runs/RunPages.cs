using System.Globalization;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Service.Runs;

/// <summary>The listings of a run, a page at a time.</summary>
internal static class RunPages
{
    public static Page<AttemptSummary> Attempts(RunState state, string? after, int limit)
    {
        var first = (int)Math.Min(ParseNumber(after), state.Attempts.All.Count);
        return Cut(
            state.Attempts.All.Skip(first).Select(attempt => attempt.Summarise()),
            limit,
            attempt => attempt.Attempt.ToString());
    }

    public static Page<CheckpointSummary> Checkpoints(RunState state, string? after, int limit)
    {
        CheckpointId? last = null;
        if (after is not null)
        {
            last = CheckpointId.TryParse(after, CultureInfo.InvariantCulture, out var parsed) ? parsed : throw BadCursor();
        }

        return Cut(
            state.Checkpoints.After(last).Select(record => record.Summarise(state.Attempts.Path.Contains(record.Checkpoint))),
            limit,
            checkpoint => checkpoint.Checkpoint.ToString());
    }

    public static Page<LedgerEntry> Ledger(RunState state, string? after, int limit)
    {
        var number = Math.Max(ParseNumber(after), state.Ledger.Forgotten);
        return Cut(state.Ledger.After(number, Clamp(limit) + 1), limit, _ => Text(number + Clamp(limit)));
    }

    public static Page<Incident> Incidents(RunState state, string? after, int limit) =>
        Cut(state.Incidents.After(ParseNumber(after), Clamp(limit) + 1), limit, incident => Text(incident.Number));

    public static Page<Rollback> Rollbacks(RunState state, string? after, int limit) =>
        Cut(state.Rollbacks.After(ParseNumber(after), Clamp(limit) + 1), limit, rollback => Text(rollback.Number));

    // One element more than fits says that there is a next page.
    private static Page<T> Cut<T>(IEnumerable<T> items, int limit, Func<T, string> cursor)
    {
        var page = items.Take(Clamp(limit) + 1).ToList();
        if (page.Count <= Clamp(limit))
        {
            return new Page<T> { Items = page };
        }

        page.RemoveAt(page.Count - 1);
        return new Page<T> { Items = page, Next = cursor(page[^1]) };
    }

    private static int Clamp(int limit) => Math.Clamp(limit, 1, RunLimits.MaxPageSize);

    private static long ParseNumber(string? after) => after is null
        ? 0
        : long.TryParse(after, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : throw BadCursor();

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static CheckpointerException BadCursor() =>
        new(ErrorCode.InvalidRequest, "'after' must be what 'next' of the page before said.");
}
