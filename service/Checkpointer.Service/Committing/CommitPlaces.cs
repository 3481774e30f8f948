namespace Checkpointer.Service.Committing;

/// <summary>
/// How many commits may be under way. One that has had its place for longer than most take gives it to the next and goes
/// on without: so a few that hang keep nobody waiting, and there is still a bound for all together. Thread-safe.
/// </summary>
internal sealed class CommitPlaces(int places, TimeSpan patience, TimeProvider time) : IDisposable
{
    /// <summary>Commits under way for each place, those included that gave theirs up.</summary>
    public const int MaxPerPlace = 16;

    private readonly SemaphoreSlim _places = new(places);
    private readonly SemaphoreSlim _all = new(places * MaxPerPlace);

    /// <summary>Waits for a place; dispose it when the commit has ended.</summary>
    public async Task<IDisposable> TakeAsync(CancellationToken cancellationToken)
    {
        await _all.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await _places.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _ = _all.Release();
            throw;
        }

        return new Place(_places, _all, patience, time);
    }

    public void Dispose()
    {
        _places.Dispose();
        _all.Dispose();
    }

    private sealed class Place : IDisposable
    {
        private readonly SemaphoreSlim _places;
        private readonly SemaphoreSlim _all;
        private readonly ITimer _patience;
        private int _givenUp;

        public Place(SemaphoreSlim places, SemaphoreSlim all, TimeSpan patience, TimeProvider time)
        {
            (_places, _all) = (places, all);
            _patience = time.CreateTimer(static place => ((Place)place!).GiveUp(), this, patience, Timeout.InfiniteTimeSpan);
        }

        public void Dispose()
        {
            _patience.Dispose();
            GiveUp();
            _ = _all.Release();
        }

        private void GiveUp()
        {
            if (Interlocked.Exchange(ref _givenUp, 1) == 0)
            {
                _ = _places.Release();
            }
        }
    }
}
