using System.Threading.Channels;
using Checkpointer.Formats.Errors;
using Microsoft.Extensions.Hosting;

namespace Checkpointer.Agent.Arenas;

/// <summary>
/// Reserves new arenas and makes their pages present, one file at a time on a thread of its own: the first touch of a page
/// is 20 times as slow as the next, and is not to happen while a trainer waits.
/// </summary>
internal sealed class Prefaulter(EngineThreads threads) : BackgroundService
{
    // More slots than any node has. Beyond it a file is just not pre-faulted.
    private const int MaxWaiting = 4096;

    private readonly Channel<ArenaFile> _files = Channel.CreateBounded<ArenaFile>(
        new BoundedChannelOptions(MaxWaiting) { SingleReader = true });

    // Only the thread that prepares uses them, and there is one at a time.
    private readonly Queue<ArenaFile> _bare = new();
    private readonly Queue<ArenaFile> _reserved = new();
    private readonly Lock _gate = new();
    private TaskCompletionSource _mayRun = Resumed();
    private int _pauses;

    /// <summary>Queues a file. One that is released before its turn is passed over.</summary>
    public void Enqueue(ArenaFile file) => _files.Writer.TryWrite(file);

    /// <summary>Leaves processor and memory to work that a trainer waits for, until the result is disposed.</summary>
    public IDisposable Pause()
    {
        lock (_gate)
        {
            if (_pauses++ == 0)
            {
                _mayRun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }

        return new PauseEnd(this);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (await _files.Reader.WaitToReadAsync(stoppingToken))
        {
            do
            {
                stoppingToken.ThrowIfCancellationRequested();
                await WhenMayRun.WaitAsync(stoppingToken);
            }
            while (!await threads.RunAsync(() => TryPrepareAll(stoppingToken)));
        }
    }

    private Task WhenMayRun
    {
        get
        {
            lock (_gate)
            {
                return _mayRun.Task;
            }
        }
    }

    /// <summary>
    /// Reserves all that wait before it makes pages of one: a slot that is used early is to have its memory at least. False if
    /// it was told to pause.
    /// </summary>
    private bool TryPrepareAll(CancellationToken stoppingToken)
    {
        while (GoOn())
        {
            while (_files.Reader.TryRead(out var added))
            {
                _bare.Enqueue(added);
            }

            if (_bare.TryDequeue(out var file))
            {
                Work(file, () => file.Reserve(GoOn, stoppingToken), whenDone: _reserved, whenPaused: _bare);
            }
            else if (_reserved.TryDequeue(out file))
            {
                Work(file, () => file.Prefault(GoOn), whenDone: null, whenPaused: _reserved);
            }
            else
            {
                return true;
            }
        }

        return false;

        bool GoOn() => WhenMayRun.IsCompleted && !stoppingToken.IsCancellationRequested;
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
                _mayRun.SetResult();
            }
        }
    }

    private static TaskCompletionSource Resumed()
    {
        var resumed = new TaskCompletionSource();
        resumed.SetResult();
        return resumed;
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
