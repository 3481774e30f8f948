using Checkpointer.Service.Journal;
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
        catch (Exception e) when (e is JournalException or ObjectDisposedException)
        {
            throw Unavailable(MayBeKept, e);
        }
    }
}
