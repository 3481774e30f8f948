using System.Runtime.CompilerServices;
using Checkpointer.Service.Journal;
using Checkpointer.Simulation.Scheduling;

namespace Checkpointer.Simulation.Journaling;

/// <summary>The journal of one process of the service: entries become durable in groups, a moment after they are appended.</summary>
internal sealed class SimulatedJournal(JournalDisk disk, SimulatedProcess process, Random random) : IJournal
{
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<(long Sequence, TaskCompletionSource Durable)> _waiters = [];
    private bool _committing;

    public long LastSequence => disk.LastSequence;

    public Task Completion => _completion.Task;

    public Task<JournalSnapshot?> ReadSnapshotAsync(CancellationToken cancellationToken) =>
        Task.FromResult(disk.Snapshots.LastOrDefault());

    public async IAsyncEnumerable<JournalEntry> ReplayAsync(long after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask.ConfigureAwait(false);
        foreach (var entry in disk.Entries.Where(entry => entry.Sequence > after).ToList())
        {
            yield return entry;
        }
    }

    public JournalPosition Append(ushort type, ushort version, ReadOnlySpan<byte> payload)
    {
        ObjectDisposedException.ThrowIf(_completion.Task.IsCompleted, this);
        disk.Entries.Add(new JournalEntry(disk.LastSequence + 1, type, version, payload.ToArray()));
        Commit();
        return new JournalPosition(disk.LastSequence);
    }

    public Task WaitUntilDurableAsync(long sequence, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(sequence, disk.LastSequence);
        if (sequence <= disk.Durable)
        {
            return Task.CompletedTask;
        }

        var durable = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiters.Add((sequence, durable));
        return durable.Task.WaitAsync(cancellationToken);
    }

    public async Task SaveSnapshotAsync(JournalSnapshot snapshot, CancellationToken cancellationToken)
    {
        await WaitUntilDurableAsync(snapshot.Sequence, cancellationToken).ConfigureAwait(false);
        await process.Scheduler.Delay(TimeSpan.FromMilliseconds(2 + (random.NextDouble() * 5)), "journal snapshot", process).ConfigureAwait(false);
        disk.Snapshots.Add(snapshot with { State = snapshot.State.ToArray() });
        disk.Snapshots.RemoveRange(0, Math.Max(0, disk.Snapshots.Count - JournalLimits.KeptSnapshots));
    }

    public void TruncateBefore(long sequence)
    {
        var covered = disk.Snapshots.Count == JournalLimits.KeptSnapshots ? disk.Snapshots[0].Sequence + 1 : 0;
        var before = Math.Min(Math.Min(sequence, covered), disk.Durable);
        _ = disk.Entries.RemoveAll(entry => entry.Sequence < before);
    }

    public ValueTask DisposeAsync()
    {
        _ = _completion.TrySetResult();
        return ValueTask.CompletedTask;
    }

    private void Commit()
    {
        if (_committing)
        {
            return;
        }

        // What is appended while this is under way becomes durable by the next one.
        _committing = true;
        var through = disk.LastSequence;
        _ = process.Scheduler.Schedule(
            TimeSpan.FromMicroseconds(200 + (random.NextDouble() * 3000)), "journal commit", () => Written(through), process);
    }

    private void Written(long through)
    {
        _committing = false;
        disk.Durable = through;
        if (disk.LastSequence > through)
        {
            Commit();
        }

        var durable = _waiters.FindAll(waiter => waiter.Sequence <= disk.Durable);
        _ = _waiters.RemoveAll(waiter => waiter.Sequence <= disk.Durable);
        durable.ForEach(waiter => waiter.Durable.TrySetResult());
    }
}
