using Checkpointer.Formats.Errors;

namespace Checkpointer.Storage.Repository;

/// <summary>
/// Looks at a store's <c>repository.json</c> now and then, so that everyone who wants to know whether the store is there has
/// an answer at once, with its age, and asking costs nothing. One request a look once the repository is known. Thread-safe.
/// </summary>
public sealed class RepositoryWatch(IObjectStore store, TimeProvider time)
{
    /// <summary>How long one look may take, retries of the store included.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    /// <summary>Between two looks at the store.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(3);

    /// <summary>What was seen longer ago says nothing of now.</summary>
    public static readonly TimeSpan MaxAge = Interval + Timeout + TimeSpan.FromSeconds(10);

    private static readonly TimeSpan AbsentInterval = TimeSpan.FromMilliseconds(500);

    private RepositoryStatus _current = new() { State = RepositoryState.Unknown };
    private (long SizeBytes, DateTimeOffset LastModified)? _seen;

    /// <summary>What the last look found.</summary>
    public RepositoryStatus Current => Volatile.Read(ref _current);

    /// <summary>The store's own description.</summary>
    public string Store => store.Description;

    /// <summary>How long ago the last look ended; null before the first.</summary>
    public TimeSpan? Age => Current.CheckedAt is { } at ? time.GetUtcNow() - at : null;

    /// <summary>That the last look is too long ago to say anything, for people; null if it is not.</summary>
    public string? Staleness => Age is { } age && age > MaxAge ? $"it was last looked at {age.TotalSeconds:0} s ago" : null;

    /// <summary>Looks at once. Throws nothing but cancellation.</summary>
    public async Task<RepositoryStatus> CheckAsync(CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        RepositoryStatus found;
        try
        {
            var identity = await LookAsync(either.Token).ConfigureAwait(false);
            found = identity is null
                ? new RepositoryStatus
                {
                    State = RepositoryState.Absent,
                    Identity = Current.Identity,
                    Problem = $"there is no repository in {store.Description}: '{RepositoryKeys.Identity}' is missing",
                    Error = ErrorCode.StorageUnavailable,
                }
                : new RepositoryStatus { State = RepositoryState.Present, Identity = identity };
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            found = Unavailable(
                ErrorCode.StorageUnavailable, $"{store.Description} does not answer within {Timeout.TotalSeconds:0} s");
        }
        catch (CheckpointerException e)
        {
            found = Unavailable(e.Code, e.Message) with { Cause = e.Cause };
        }

        found = found with { CheckedAt = time.GetUtcNow() };
        Volatile.Write(ref _current, found);
        return found;
    }

    /// <summary>
    /// Looks every <paramref name="interval"/> (sooner while the store answers but has no repository yet, which is about to
    /// be made) until cancelled; <paramref name="changed"/> hears of every new state.
    /// </summary>
    public async Task RunAsync(
        TimeSpan interval, Action<RepositoryStatus> changed, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(changed);
        while (true)
        {
            var before = Current;
            var now = await CheckAsync(cancellationToken).ConfigureAwait(false);
            if (now.State != before.State || now.Identity != before.Identity)
            {
                changed(now);
            }

            var pause = now.State == RepositoryState.Absent && AbsentInterval < interval ? AbsentInterval : interval;
            await Task.Delay(pause, time, cancellationToken).ConfigureAwait(false);
        }
    }

    // It never changes; if it does all the same, another store is there now.
    private async Task<RepositoryIdentity?> LookAsync(CancellationToken cancellationToken)
    {
        var info = await store.HeadAsync(RepositoryKeys.Identity, cancellationToken).ConfigureAwait(false);
        if (info is not { } there)
        {
            return null;
        }

        var seen = (there.SizeBytes, there.LastModified);
        if (Current.Identity is { } known && _seen == seen)
        {
            return known;
        }

        var found = await RepositoryIdentity.FindAsync(store, cancellationToken).ConfigureAwait(false);
        _seen = seen;
        return found;
    }

    private RepositoryStatus Unavailable(ErrorCode code, string problem) => new()
    {
        State = RepositoryState.Unavailable,
        Identity = Current.Identity,
        Problem = problem,
        Error = code,
    };
}
