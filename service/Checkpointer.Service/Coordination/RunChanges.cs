using System.Collections.Concurrent;
using System.Threading.Channels;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Service.Coordination;

/// <summary>
/// Tells the service's loops which runs have changed. A loop that is behind finds each changed run once, however often
/// it changed: nothing queues up, nothing is missed. Thread-safe.
/// </summary>
internal sealed class RunChanges
{
    private readonly ConcurrentBag<Subscription> _subscriptions = [];

    /// <summary>Begins to listen; to be done before the service starts.</summary>
    public Subscription Subscribe()
    {
        var subscription = new Subscription();
        _subscriptions.Add(subscription);
        return subscription;
    }

    /// <summary>Something happened to <paramref name="run"/>.</summary>
    public void Mark(RunId run)
    {
        foreach (var subscription in _subscriptions)
        {
            subscription.Mark(run);
        }
    }

    /// <summary>One loop's view. One reader at a time.</summary>
    internal sealed class Subscription
    {
        private readonly ConcurrentDictionary<RunId, bool> _changed = [];
        private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(
            new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

        /// <summary>Waits for a change and takes all runs that have changed since the last call.</summary>
        public async Task<IReadOnlyList<RunId>> NextAsync(CancellationToken cancellationToken)
        {
            _ = await _signal.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            var changed = new List<RunId>();
            foreach (var run in _changed.Keys)
            {
                // Removed before its state is read: a change after this marks it again.
                _ = _changed.TryRemove(run, out _);
                changed.Add(run);
            }

            return changed;
        }

        public void Mark(RunId run)
        {
            _changed[run] = true;
            _ = _signal.Writer.TryWrite(true);
        }
    }
}
