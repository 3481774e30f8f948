using System.Threading.Channels;
using Microsoft.Extensions.Hosting;

namespace Checkpointer.Agent.Arenas;

/// <summary>
/// Makes the pages of new arenas present, one file at a time on a thread of its own: the first touch of a page is 20 times
/// as slow as the next (FACTS), and is not to happen while a trainer waits.
/// </summary>
internal sealed class Prefaulter : BackgroundService
{
    // More slots than any node has. Beyond it a file is just not pre-faulted.
    private const int MaxWaiting = 4096;

    private readonly Channel<ArenaFile> _files = Channel.CreateBounded<ArenaFile>(
        new BoundedChannelOptions(MaxWaiting) { SingleReader = true });

    /// <summary>Queues a file of which the caller holds a use.</summary>
    public void Enqueue(ArenaFile file)
    {
        if (file.TryUse() && !_files.Writer.TryWrite(file))
        {
            file.Release();
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await foreach (var file in _files.Reader.ReadAllAsync(stoppingToken))
        {
            await Task.Factory.StartNew(
                () =>
                {
                    try
                    {
                        file.Prefault(stoppingToken);
                    }
                    finally
                    {
                        file.Release();
                    }
                },
                CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default);
        }
    }
}
