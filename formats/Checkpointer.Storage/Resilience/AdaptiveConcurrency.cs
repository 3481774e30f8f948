namespace Checkpointer.Storage.Resilience;

/// <summary>
/// How many attempts may be under way at once: a limit that halves when the store is overloaded and grows by one for each
/// round of answers while it is what holds callers back (additive increase, multiplicative decrease: Chiu and Jain 1989, as
/// in TCP). First come, first served. Thread-safe.
/// </summary>
internal sealed class AdaptiveConcurrency
{
    /// <summary>The limit never falls below this: one object that hangs must leave a place for another.</summary>
    public const int MinLimit = 2;

    private const double DecreaseFactor = 0.5;

    private readonly Lock _gate = new();
    private readonly LinkedList<Waiter> _waiters = [];
    private readonly int _max;

    // Invariant, whenever the gate is open: nobody waits while _inFlight < Limit.
    private double _limit;
    private int _inFlight;
    private int _decreases;

    /// <summary>Begins with a limit of <paramref name="start"/>; half of <paramref name="max"/> if it is not given.</summary>
    public AdaptiveConcurrency(int max, int? start = null)
    {
        _max = max;
        _limit = Math.Max(MinLimit, start ?? (max / 2));
    }

    /// <summary>Attempts that may be under way at once, now.</summary>
    public int Limit
    {
        get
        {
            lock (_gate)
            {
                return (int)_limit;
            }
        }
    }

    /// <summary>Attempts under way.</summary>
    public int InFlight => Volatile.Read(ref _inFlight);

    /// <summary>Attempts that wait for a permit.</summary>
    public int Waiting
    {
        get
        {
            lock (_gate)
            {
                return _waiters.Count;
            }
        }
    }

    /// <summary>A permit if there is one at once and nobody waits for it; else null.</summary>
    public ConcurrencyPermit? TryAcquire()
    {
        lock (_gate)
        {
            return _inFlight < (int)_limit ? Take() : null;
        }
    }

    /// <summary>A permit as soon as all who asked before have theirs. A cancelled wait takes none.</summary>
    public async ValueTask<ConcurrencyPermit> AcquireAsync(CancellationToken cancellationToken)
    {
        Waiter waiter;
        lock (_gate)
        {
            if (_inFlight < (int)_limit)
            {
                return Take();
            }

            waiter = new Waiter();
            waiter.Node = _waiters.AddLast(waiter);
        }

        using (cancellationToken.UnsafeRegister(static (state, token) => ((Waiter)state!).TrySetCanceled(token), waiter))
        {
            try
            {
                return await waiter.Task.ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                Forget(waiter);
                throw;
            }
        }
    }

    /// <summary>Gives a permit back; once.</summary>
    internal void Release(ConcurrencyPermit permit, PermitResult result)
    {
        lock (_gate)
        {
            // Everything that began before the last decrease began under the limit that was too high: it says nothing new.
            if (result == PermitResult.Overloaded && permit.Decreases == _decreases)
            {
                _limit = Math.Max(MinLimit, _limit * DecreaseFactor);
                _decreases++;
            }
            else if (result == PermitResult.Answered && _inFlight >= (int)_limit)
            {
                _limit = Math.Min(_max, _limit + (1 / _limit));
            }

            _inFlight--;
            Grant();
        }
    }

    private void Grant()
    {
        while (_inFlight < (int)_limit && _waiters.First is { } first)
        {
            // Whoever was cancelled at the same time does not get it; the next one does.
            _waiters.RemoveFirst();
            first.Value.Node = null;
            var permit = Take();
            if (!first.Value.TrySetResult(permit))
            {
                _inFlight--;
            }
        }
    }

    private ConcurrencyPermit Take()
    {
        _inFlight++;
        return new ConcurrencyPermit(this, _decreases);
    }

    private void Forget(Waiter waiter)
    {
        lock (_gate)
        {
            if (waiter.Node is { } node)
            {
                _waiters.Remove(node);
                waiter.Node = null;
            }
        }
    }

    private sealed class Waiter() : TaskCompletionSource<ConcurrencyPermit>(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        /// <summary>Where it stands in the line; null once it does not. Under the gate.</summary>
        public LinkedListNode<Waiter>? Node { get; set; }
    }
}
