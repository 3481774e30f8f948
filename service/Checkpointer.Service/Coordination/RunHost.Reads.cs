using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs;

namespace Checkpointer.Service.Coordination;

internal sealed partial class RunHost
{
    /// <summary>What <paramref name="query"/> says of a run, once all it may rest on is durable.</summary>
    public async Task<T> ReadAsync<T>(RunId run, Func<RunState, T> query, CancellationToken cancellationToken) =>
        await TryReadAsync(run, query, cancellationToken).ConfigureAwait(false) is (true, var value)
            ? value!
            : throw new CheckpointerException(
                ErrorCode.NotFound, $"There is no run '{run}': none of its ranks has joined yet. Check the name.");

    /// <summary>The same, for a run that may not exist.</summary>
    public async Task<(bool Exists, T? Value)> TryReadAsync<T>(
        RunId run, Func<RunState, T> query, CancellationToken cancellationToken)
    {
        T value;
        long sequence;
        lock (_gate)
        {
            ThrowIfUnusable();
            if (!_slots.TryGetValue(run.Value, out var slot))
            {
                return (false, default);
            }

            value = query(slot.State);
            sequence = slot.Sequence;
        }

        await WaitAsync(sequence, cancellationToken).ConfigureAwait(false);
        return (true, value);
    }

    /// <summary>Runs by name, at most <paramref name="limit"/> after <paramref name="after"/>.</summary>
    public Task<Page<RunSummary>> ListRunsAsync(string? after, int limit, CancellationToken cancellationToken) =>
        ListRunsAsync(after, limit, static state => state.Summarise(), cancellationToken);

    /// <summary>The same, each as <paramref name="summarise"/> says.</summary>
    public async Task<Page<RunSummary>> ListRunsAsync(
        string? after, int limit, Func<RunState, RunSummary> summarise, CancellationToken cancellationToken)
    {
        List<RunSummary> items;
        long sequence;
        bool more;
        lock (_gate)
        {
            ThrowIfUnusable();
            var slots = _slots.Where(slot => string.CompareOrdinal(slot.Key, after) > 0).Take(limit + 1).ToList();
            more = slots.Count > limit;
            items = [.. slots.Take(limit).Select(slot => summarise(slot.Value.State))];
            sequence = slots.Count > 0 ? slots.Max(slot => slot.Value.Sequence) : 0;
        }

        await WaitAsync(sequence, cancellationToken).ConfigureAwait(false);
        return new Page<RunSummary> { Items = items, Next = more ? items[^1].Run.Value : null };
    }

    /// <summary>Summaries of all runs as they are applied, durable or not: for gauges only.</summary>
    public IReadOnlyList<RunSummary> Observe()
    {
        lock (_gate)
        {
            return [.. _slots.Values.Select(slot => slot.State.Summarise())];
        }
    }

    /// <summary>Completes at the next grant of the run or when another incarnation takes its barrier over.</summary>
    public Task BarrierMoved(RunId run)
    {
        lock (_gate)
        {
            return _slots.TryGetValue(run.Value, out var slot) ? slot.BarrierMoved : Task.CompletedTask;
        }
    }

    /// <summary>Completes when the restore barrier of the run's attempt moves; see <see cref="RunSlot.RestoreMoved"/>.</summary>
    public Task RestoreMoved(RunId run)
    {
        lock (_gate)
        {
            return _slots.TryGetValue(run.Value, out var slot) ? slot.RestoreMoved : Task.CompletedTask;
        }
    }
}
