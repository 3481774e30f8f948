using Checkpointer.Formats.Errors;
using Checkpointer.Service.Journal;
using Checkpointer.Service.Runs;
using Checkpointer.Service.Stores;

namespace Checkpointer.Service.Coordination;

internal sealed partial class RunHost
{
    /// <summary>Saves the state of all runs, so that a replay begins here, and lets go of the log before it.</summary>
    public async Task SaveSnapshotAsync(CancellationToken cancellationToken)
    {
        List<SavedRun> runs;
        RepositoryChoice? repository;
        long sequence;
        IJournal journal;
        lock (_gate)
        {
            ThrowIfUnusable();
            journal = _journal!;
            runs = [.. _slots.Values.Select(slot => slot.State.ToSnapshot())];
            repository = _repository?.Choice;
            sequence = journal.LastSequence;
        }

        var snapshot = new JournalSnapshot(sequence, SavedRunCodec.SnapshotVersion, SavedRunCodec.Encode(runs, repository));
        await journal.SaveSnapshotAsync(snapshot, cancellationToken).ConfigureAwait(false);
        _ = Interlocked.Exchange(ref _snapshotSequence, sequence);
        journal.TruncateBefore(sequence);
        LogSnapshotSaved(sequence, snapshot.State.Length);
    }

    private async Task ReplayAsync(IJournal journal, CancellationToken cancellationToken)
    {
        var snapshot = await journal.ReadSnapshotAsync(cancellationToken).ConfigureAwait(false);
        if (snapshot is not null)
        {
            if (snapshot.Version != SavedRunCodec.SnapshotVersion)
            {
                throw new CheckpointerException(
                    ErrorCode.JournalCorrupt,
                    $"The journal's snapshot is of version {snapshot.Version}; this program knows {SavedRunCodec.SnapshotVersion}. Start the newer program.");
            }

            var service = SavedRunCodec.Decode(snapshot.State.Span);
            _repository = service.Repository is { } repository ? (repository, snapshot.Sequence) : null;
            foreach (var saved in service.Runs)
            {
                _slots[saved.Run.Value] = new RunSlot(RunState.FromSnapshot(saved, _runOptions)) { Sequence = snapshot.Sequence };
            }

            _snapshotSequence = snapshot.Sequence;
        }

        await foreach (var entry in journal.ReplayAsync(snapshot?.Sequence ?? 0, cancellationToken).ConfigureAwait(false))
        {
            if (entry is { Type: RepositoryChoiceCodec.JournalType, Version: RepositoryChoiceCodec.JournalVersion })
            {
                _repository = (RepositoryChoiceCodec.Decode(entry.Payload.Span), entry.Sequence);
                continue;
            }

            if (entry is not { Type: RunEventCodec.JournalType, Version: RunEventCodec.JournalVersion })
            {
                throw new CheckpointerException(
                    ErrorCode.JournalCorrupt,
                    $"Journal entry {entry.Sequence} is of kind {entry.Type}.{entry.Version}, which this program does not know. Start the newer program.");
            }

            var decoded = RunEventCodec.Decode(entry.Payload.Span);
            if (!_slots.TryGetValue(decoded.Run.Value, out var slot))
            {
                _slots[decoded.Run.Value] = slot = new RunSlot(new RunState(decoded.Run, _runOptions));
            }

            slot.Sequence = entry.Sequence;
            foreach (var happened in decoded.Events)
            {
                slot.Apply(happened);
            }
        }
    }
}
