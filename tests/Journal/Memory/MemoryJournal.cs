using System.Runtime.CompilerServices;
using Checkpointer.Formats.Errors;
using Checkpointer.Service.Journal;

namespace Checkpointer.Journal.Tests.Memory;

/// <summary>
/// A journal in memory, for tests and simulations (other projects compile this file). An entry becomes durable when
/// somebody waits for it or for a later one; <see cref="Crash"/> gives what the next process would find.
/// </summary>
internal sealed class MemoryJournal : IJournal
{
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<JournalEntry> _entries;
    private readonly List<JournalSnapshot> _snapshots;
    private long _durable;
    private bool _appended;
    private JournalException? _failure;

    public MemoryJournal()
        : this([], [])
    {
    }

    private MemoryJournal(IEnumerable<JournalEntry> entries, IEnumerable<JournalSnapshot> snapshots)
    {
        _entries = [.. entries];
        _snapshots = [.. snapshots];
        LastSequence = _entries.Count > 0 ? _entries[^1].Sequence : 0;
        _durable = LastSequence;
    }

    public long LastSequence { get; private set; }

    public Task Completion => _completion.Task;

    /// <summary>What a new process finds: all durable entries, and at most <paramref name="unacknowledged"/> more.</summary>
    public MemoryJournal Crash(int unacknowledged = 0)
    {
        lock (_gate)
        {
            return new MemoryJournal(_entries.Where(entry => entry.Sequence <= _durable + unacknowledged), _snapshots);
        }
    }

    /// <summary>From now on every write fails, as on a broken disk.</summary>
    public void Break()
    {
        lock (_gate)
        {
            _failure ??= JournalException.Failed("memory", new IOException("broken on purpose"));
            _ = _completion.TrySetException(_failure);
        }
    }

    public Task<JournalSnapshot?> ReadSnapshotAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return Task.FromResult(_snapshots.LastOrDefault());
        }
    }

    public async IAsyncEnumerable<JournalEntry> ReplayAsync(
        long after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        JournalEntry[] found;
        lock (_gate)
        {
            if (_appended)
            {
                throw new InvalidOperationException("A replay has to be over before the first append.");
            }

            if (_entries.Count > 0 && _entries[0].Sequence > after + 1)
            {
                throw JournalException.Lost("memory", $"The log begins with entry {_entries[0].Sequence}.");
            }

            found = [.. _entries.Where(entry => entry.Sequence > after)];
        }

        foreach (var entry in found)
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return entry;
        }

        await Task.CompletedTask;
    }

    public JournalPosition Append(ushort type, ushort version, ReadOnlySpan<byte> payload)
    {
        if (payload.Length > JournalLimits.MaxPayloadBytes)
        {
            throw new CheckpointerException(ErrorCode.LimitExceeded, $"A journal entry of {payload.Length} bytes.");
        }

        lock (_gate)
        {
            ThrowIfUnusable();
            _appended = true;
            _entries.Add(new JournalEntry(++LastSequence, type, version, payload.ToArray()));
            return new JournalPosition(LastSequence);
        }
    }

    public Task WaitUntilDurableAsync(long sequence, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan(sequence, LastSequence);
            if (sequence > _durable)
            {
                ThrowIfUnusable();
                _durable = LastSequence;
            }
        }

        return Task.CompletedTask;
    }

    public async Task SaveSnapshotAsync(JournalSnapshot snapshot, CancellationToken cancellationToken)
    {
        await WaitUntilDurableAsync(snapshot.Sequence, cancellationToken);
        lock (_gate)
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(
                snapshot.Sequence, _snapshots.Count > 0 ? _snapshots[^1].Sequence : -1);
            _snapshots.Add(snapshot with { State = snapshot.State.ToArray() });
            _snapshots.RemoveRange(0, Math.Max(0, _snapshots.Count - JournalLimits.KeptSnapshots));
        }
    }

    public void TruncateBefore(long sequence)
    {
        lock (_gate)
        {
            ThrowIfUnusable();
            var covered = _snapshots.Count == JournalLimits.KeptSnapshots ? _snapshots[0].Sequence + 1 : 0;
            _entries.RemoveAll(entry => entry.Sequence < Math.Min(Math.Min(sequence, covered), _durable));
        }
    }

    public ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _ = _completion.TrySetResult();
        }

        return ValueTask.CompletedTask;
    }

    private void ThrowIfUnusable()
    {
        if (_failure is not null)
        {
            throw _failure;
        }

        ObjectDisposedException.ThrowIf(_completion.Task.IsCompletedSuccessfully, this);
    }
}
