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

    /// <summary>Queues a file of which the caller holds a use.</summary>
    public void Enqueue(ArenaFile file)
    {
        if (file.TryUse() && !_files.Writer.TryWrite(file))
        {
            file.Release();
        }
    }

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
        await foreach (var file in _files.Reader.ReadAllAsync(stoppingToken))
        {
            await Task.Factory.StartNew(
                () => Prefault(file, stoppingToken),
                CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default);
        }
    }

    private void Prefault(ArenaFile file, CancellationToken stoppingToken)
    {
        try
        {
            _mayRun.Wait(stoppingToken);
            file.Reserve(stoppingToken);
            file.Prefault(() => _mayRun.Wait(stoppingToken), stoppingToken);
        }
        catch (CheckpointerException)
        {
            // No room now, or shortened: whoever begins to use the slot meets the same fault and names it.
        }
        catch (OperationCanceledException)
        {
            // The agent stops.
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
