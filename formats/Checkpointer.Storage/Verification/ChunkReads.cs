namespace Checkpointer.Storage.Verification;

/// <summary>Reads what was planned, in parallel, within the memory and at the rate that the options allow. One call at a time.</summary>
internal sealed class ChunkReads(
    IObjectStore store, VerificationOptions options, OutageWatch outage, ProgressMeter meter) : IAsyncDisposable
{
    private readonly HeaderChecker _headers = new(store, outage, meter);
    private ReadBuffers _buffers = new(0);
    private ReadPace? _pace;

    /// <summary>Settles every chunk of the plans, none of which is longer than <paramref name="chunkBytes"/>.</summary>
    public async Task RunAsync(IReadOnlyList<PackPlan> plans, int chunkBytes, CancellationToken cancellationToken)
    {
        var readBytes = Math.Max(chunkBytes, (int)Math.Min(options.ReadBytes, options.BufferBytes / options.Parallelism));
        if (_pace is null || _buffers.LengthBytes != readBytes)
        {
            await DisposeAsync().ConfigureAwait(false);
            (_buffers, _pace) = (new ReadBuffers(readBytes), new ReadPace(options.BytesPerSecond, readBytes));
        }

        var checker = new ChunkChecker(store, _headers, _buffers, _pace, outage, meter);
        await Parallel.ForEachAsync(
            plans.SelectMany(plan => plan.Runs(readBytes)),
            new ParallelOptions
            {
                MaxDegreeOfParallelism = (int)Math.Clamp(options.BufferBytes / readBytes, 1, options.Parallelism),
                CancellationToken = cancellationToken,
            },
            async (run, token) => await checker.CheckAsync(run, token).ConfigureAwait(false)).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _pace?.DisposeAsync() ?? ValueTask.CompletedTask;
}
