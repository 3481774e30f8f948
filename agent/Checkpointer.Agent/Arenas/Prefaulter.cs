using System.Threading.Channels;
using Checkpointer.Formats.Errors;
using Microsoft.Extensions.Hosting;

namespace Checkpointer.Agent.Arenas;

/// <summary>
/// Reserves new arenas and makes their pages present, one file at a time on a thread of its own: the first touch of a page
/// is 20 times as slow as the next, and is not to happen while a trainer waits.
/// </summary>
internal sealed class Prefaulter : BackgroundService
{
    // More slots than any node has. Beyond it a file is just not pre-faulted.
    private const int MaxWaiting = 4096;

    private readonly Channel<ArenaFile> _files = Channel.CreateBounded<ArenaFile>(
        new BoundedChannelOptions(MaxWaiting) { SingleReader = true });

    private readonly ManualResetEventSlim _mayRun = new(initialState: true);
    private readonly Lock _gate = new();
    private int _pauses;

    /// <summary>Queues a file. One that is released before its turn is passed over.</summary>
    public void Enqueue(ArenaFile file) => _files.Writer.TryWrite(file);

    /// <summary>Leaves processor and memory to work that a trainer waits for, until the result is disposed.</summary>
    public IDisposable Pause()
    {
        lock (_gate)
        {
            _pauses++;
            _mayRun.Reset();
        }

        return new PauseEnd(this);
    }

    public override void Dispose()
    {
        _mayRun.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (await _files.Reader.WaitToReadAsync(stoppingToken))
        {
            await Task.Factory.StartNew(
                () => PrepareAll(stoppingToken),
                CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default);
        }
    }

    /// <summary>Reserves all that wait before it makes pages of one: a slot that is used early is to have its memory at least.</summary>
    private void PrepareAll(CancellationToken stoppingToken)
    {
        var bare = new Queue<ArenaFile>();
        var reserved = new Queue<ArenaFile>();
        while (true)
        {
            _mayRun.Wait(stoppingToken);
            while (_files.Reader.TryRead(out var added))
            {
                bare.Enqueue(added);
            }

            if (bare.TryDequeue(out var file))
            {
                Work(file, () => file.Reserve(GoOn, stoppingToken), whenDone: reserved, whenPaused: bare);
            }
            else if (reserved.TryDequeue(out file))
            {
                Work(file, () => file.Prefault(GoOn), whenDone: null, whenPaused: reserved);
            }
            else
            {
                return;
            }
        }

        bool GoOn() => _mayRun.IsSet && !stoppingToken.IsCancellationRequested;
    }

    // Only while it works on a file it holds a use of it: waiting must not keep the memory of slots that are gone.
    private static void Work(ArenaFile file, Func<bool> work, Queue<ArenaFile>? whenDone, Queue<ArenaFile> whenPaused)
    {
        if (!file.TryUse())
        {
            return;
        }

        try
        {
            (work() ? whenDone : whenPaused)?.Enqueue(file);
        }
        catch (CheckpointerException)
        {
            // No room now, or shortened: whoever begins to use the slot meets the same fault and names it.
        }
        finally
        {
            file.Release();
        }
    }

    private void Resume()
    {
        lock (_gate)
        {
            if (--_pauses == 0)
            {
                _mayRun.Set();
            }
        }
    }

    private sealed class PauseEnd(Prefaulter prefaulter) : IDisposable
    {
        private int _disposed;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _disposed, 1) == 0)
            {
                prefaulter.Resume();
            }
        }
    }
}
