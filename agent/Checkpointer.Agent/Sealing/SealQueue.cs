using System.Diagnostics;
using System.Threading.Channels;
using Checkpointer.Agent.Arenas;
using Checkpointer.Formats.Errors;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Agent.Sealing;

/// <summary>
/// Hashes captured images in the background, one after the other in the order of their capture, each on several
/// threads: memory's bandwidth is the limit, so hashing two at once would only make both late.
/// </summary>
internal sealed partial class SealQueue : BackgroundService
{
    // More slots than any node has.
    private const int MaxWaiting = 1 << 16;

    private readonly Channel<(SlotPool Pool, Slot Slot)> _captured = Channel.CreateBounded<(SlotPool, Slot)>(
        new BoundedChannelOptions(MaxWaiting) { SingleReader = true });

    private readonly SealingOptions _options;
    private readonly EngineThreads _threads;
    private readonly EngineTelemetry _telemetry;
    private readonly ILogger<SealQueue> _logger;

    public SealQueue(SealingOptions options, EngineThreads threads, EngineTelemetry telemetry, ILogger<SealQueue> logger)
    {
        options.Validate();
        (_options, _threads, _telemetry, _logger) = (options, threads, telemetry, logger);
    }

    /// <summary>What waits to be hashed. Read by one: the queue's own loop, unless that is not started.</summary>
    public ChannelReader<(SlotPool Pool, Slot Slot)> Waiting => _captured.Reader;

    /// <summary>Queues a slot that was just captured.</summary>
    public void Enqueue(SlotPool pool, Slot slot) => Invariant.Holds(_captured.Writer.TryWrite((pool, slot)));

    /// <summary>Hashes what is in a slot, of which the caller holds a use. Fails with <see cref="ErrorCode.ArenaCorrupt"/> only.</summary>
    public Task<ImageSeal> HashAsync(Slot slot, CancellationToken cancellationToken) => _threads.RunAsync(
        () =>
        {
            var begun = Stopwatch.GetTimestamp();
            try
            {
                var seal = ImageHasher.Hash(
                    slot.File, slot.DataOffset, slot.Layout, slot.Geometry, _options.Parallelism, cancellationToken);
                _telemetry.Hashed(slot.Geometry.ImageBytes, Stopwatch.GetElapsedTime(begun));
                return seal;
            }
            catch (AggregateException e) when (e.InnerException is CheckpointerException fault)
            {
                throw new CheckpointerException(fault.Code, fault.Message, inner: e);
            }
        });

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await foreach (var (pool, slot) in Waiting.ReadAllAsync(stoppingToken))
        {
            if (!pool.TryStartHashing(slot))
            {
                continue;
            }

            try
            {
                pool.CompleteSeal(slot, await HashAsync(slot, stoppingToken));
            }
            catch (CheckpointerException e)
            {
                LogNotSealed(e.Message);
                pool.Damage(slot, e);
            }
            finally
            {
                pool.EndUse(slot);
            }
        }
    }
}
