using System.Runtime.CompilerServices;
using Checkpointer.Service.Journal;

namespace Checkpointer.Service.Tests.Interleaving;

/// <summary>
/// A journal in memory in which the test decides what becomes durable and when it fails. Waiters go on inside
/// <see cref="Commit"/>, so that a schedule decides everything. Not thread-safe.
/// </summary>
internal sealed class ScriptedJournal(IReadOnlyList<JournalEntry> found, IReadOnlyList<JournalSnapshot> snapshots) : IJournal
{
    private readonly List<JournalEntry> _entries = [.. found];
    private readonly List<JournalSnapshot> _snapshots = [.. snapshots];
    private readonly List<(long Sequence, TaskCompletionSource Done)> _waiting = [];
    private readonly TaskCompletionSource _completion = new();
    private JournalException? _failure;

    public long LastSequence => _entries.Count;

    public Task Completion => _completion.Task;

    /// <summary>Up to where entries are durable.</summary>
    public long Durable { get; private set; } = found.Count;

    /// <summary>All that was appended, durable or not.</summary>
    public IReadOnlyList<JournalEntry> Entries => _entries;

    public bool HasFailed => _failure is not null;

    /// <summary>The next append fails, as on a full disk, and with it everything after.</summary>
    public bool FailsNextAppend { get; set; }

    /// <summary>Makes entries durable up to <paramref name="until"/>.</summary>
    public void Commit(long until)
    {
        Assert.False(HasFailed);
        Durable = Math.Max(Durable, until);
        foreach (var (_, done) in Take(waiter => waiter.Sequence <= Durable))
        {
            done.SetResult();
        }
    }

    /// <summary>A commit fails: nothing is promised from now on.</summary>
    public void Break()
    {
        _failure = JournalException.Failed("memory", new IOException("broken on purpose"));
        foreach (var (_, done) in Take(_ => true))
        {
            done.SetException(_failure);
        }

        _completion.SetException(_failure);
    }

    /// <summary>What the next process finds: what is durable, and some of what is not.</summary>
    public ScriptedJournal Survivors(long unacknowledged)
    {
        var last = Math.Min(LastSequence, Durable + unacknowledged);
        return new ScriptedJournal([.. _entries.Take((int)last)], _snapshots);
    }

    public Task<JournalSnapshot?> ReadSnapshotAsync(CancellationToken cancellationToken) => Task.FromResult(_snapshots.LastOrDefault());

    public async IAsyncEnumerable<JournalEntry> ReplayAsync(long after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var entry in _entries.Skip((int)after).ToList())
        {
            yield return entry;
        }

        await Task.CompletedTask;
    }

    public JournalPosition Append(ushort type, ushort version, ReadOnlySpan<byte> payload)
    {
        if (FailsNextAppend && !HasFailed)
        {
            Break();
        }

        if (_failure is not null)
        {
            throw _failure;
        }

        _entries.Add(new JournalEntry(LastSequence + 1, type, version, payload.ToArray()));
        return new JournalPosition(LastSequence);
    }

    public Task WaitUntilDurableAsync(long sequence, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(sequence, LastSequence);
        if (sequence <= Durable)
        {
            return Task.CompletedTask;
        }

        if (_failure is not null)
        {
            throw _failure;
        }

        var done = new TaskCompletionSource();
        _waiting.Add((sequence, done));
        return done.Task.WaitAsync(cancellationToken);
    }

    public async Task SaveSnapshotAsync(JournalSnapshot snapshot, CancellationToken cancellationToken)
    {
        await WaitUntilDurableAsync(snapshot.Sequence, cancellationToken);
        _snapshots.Add(snapshot with { State = snapshot.State.ToArray() });
    }

    public void TruncateBefore(long sequence)
    {
        // Everything is kept: the test folds it anew from the beginning.
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private List<(long Sequence, TaskCompletionSource Done)> Take(Predicate<(long Sequence, TaskCompletionSource Done)> which)
    {
        var taken = _waiting.FindAll(which);
        _waiting.RemoveAll(which);
        return taken;
    }
}
