using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs.Checkpoints;
using Checkpointer.Service.Stores;

namespace Checkpointer.Service.Coordination;

internal sealed partial class RunHost
{
    /// <summary>
    /// The repository that the committed checkpoints are in, and that no other can take the place of; null while none is
    /// committed, or if the journal is older than this record.
    /// </summary>
    public RepositoryChoice? BoundRepository
    {
        get
        {
            lock (_gate)
            {
                return _repository is { } known && _slots.Values.Any(slot => slot.State.Checkpoints.CommittedCount > 0)
                    ? known.Choice
                    : null;
            }
        }
    }

    /// <summary>
    /// The checkpoint that was committed last, if the journal does not say which repository it is in because it is older
    /// than that record: what the right store must have. Null if the journal says so, or none is committed.
    /// </summary>
    public (RunId Run, CheckpointId Checkpoint)? UnboundCommit
    {
        get
        {
            lock (_gate)
            {
                if (_repository is not null)
                {
                    return null;
                }

                (RunId Run, CheckpointRecord Record)? newest = null;
                foreach (var state in _slots.Values.Select(slot => slot.State))
                {
                    foreach (var record in state.Checkpoints.Records.Where(record => record.State == CheckpointState.Committed))
                    {
                        newest = newest is { } known && known.Record.EndedAt >= record.EndedAt ? newest : (state.Run, record);
                    }
                }

                return newest is { } found ? (found.Run, found.Record.Checkpoint) : null;
            }
        }
    }

    /// <summary>Journals that the checkpoints go to <paramref name="repository"/> from now on; false if they are bound to another.</summary>
    public async Task<bool> TryChooseRepositoryAsync(string repository, string store, CancellationToken cancellationToken)
    {
        long sequence;
        lock (_gate)
        {
            ThrowIfUnusable();
            if (BoundRepository is { } bound && bound.Repository != repository)
            {
                return false;
            }

            if (_repository is not { } known || known.Choice.Repository != repository)
            {
                var choice = new RepositoryChoice { At = _timeProvider.GetUtcNow(), Repository = repository, Store = store };
                _repository = (choice, Append(choice));
            }

            sequence = _repository.Value.Sequence;
        }

        await WaitAsync(sequence, cancellationToken).ConfigureAwait(false);
        return true;
    }

    private long Append(RepositoryChoice choice)
    {
        try
        {
            return _journal!.Append(
                RepositoryChoiceCodec.JournalType, RepositoryChoiceCodec.JournalVersion, RepositoryChoiceCodec.Encode(choice)).Sequence;
        }
        catch (Exception e)
        {
            LogChoiceFailed(e);
            Fail(e);
            throw;
        }
    }
}
