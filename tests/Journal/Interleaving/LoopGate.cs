using Checkpointer.Storage.CrashPoints;

namespace Checkpointer.Journal.Tests.Interleaving;

/// <summary>
/// Stops the journal's commit loop between its steps until the test lets it go on, so that one of the two runs at a time. At
/// every other crash point on the way <paramref name="passed"/> is called, in the middle of what is being written.
/// </summary>
internal sealed class LoopGate(Action<string> passed) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly int _test = Environment.CurrentManagedThreadId;
    private readonly SemaphoreSlim _arrived = new(0);
    private readonly SemaphoreSlim _go = new(0);
    private volatile bool _open;
    private volatile Exception? _failure;

    /// <summary>Where the loop stands; null if it waits for something to commit.</summary>
    public string? At { get; private set; }

    /// <summary>Called at each crash point by whoever reaches it.</summary>
    public void Reach(string name)
    {
        try
        {
            if (_open)
            {
                return;
            }

            // Truncation holds the journal's lock: nothing may wait there.
            if (name is not (CrashPointNames.JournalTruncated or CrashPointNames.JournalCommitted or CrashPointNames.JournalMarked))
            {
                passed(name);
            }
            else if (Environment.CurrentManagedThreadId != _test && name != CrashPointNames.JournalTruncated)
            {
                At = name;
                _arrived.Release();
                Assert.True(_go.Wait(Patience), "The test forgot the loop.");
            }
        }
        catch (Exception e) when (Environment.CurrentManagedThreadId != _test)
        {
            // The test's thread tells it.
            _failure = e;
        }
    }

    /// <summary>Waits until the loop stands somewhere.</summary>
    public void AwaitArrival()
    {
        Assert.True(_arrived.Wait(Patience), $"The loop never came; {_failure}");
        ThrowIfFailed();
    }

    /// <summary>Lets the loop go on from where it stands.</summary>
    public void Go()
    {
        At = null;
        _go.Release();
    }

    /// <summary>Stops nobody any more.</summary>
    public void Open()
    {
        ThrowIfFailed();
        _open = true;
        if (At is not null)
        {
            Go();
        }
    }

    public void Dispose()
    {
        _arrived.Dispose();
        _go.Dispose();
    }

    private void ThrowIfFailed()
    {
        if (_failure is not null)
        {
            throw new InvalidOperationException($"At a crash point: {_failure.Message}", _failure);
        }
    }
}
