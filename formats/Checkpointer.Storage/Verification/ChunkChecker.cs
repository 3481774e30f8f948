using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Errors;

namespace Checkpointer.Storage.Verification;

/// <summary>
/// Reads runs of chunks and compares each chunk with its hash. One that differs is read once more, alone, before it is
/// blamed. What is found stays in the pack's record. Thread-safe.
/// </summary>
internal sealed class ChunkChecker(
    IObjectStore store, HeaderChecker headers, ReadBuffers buffers, ReadPace pace, OutageWatch outage, ProgressMeter meter)
{
    /// <summary>Settles every chunk of the run; throws only if cancelled.</summary>
    public async Task CheckAsync(ChunkRun run, CancellationToken cancellationToken)
    {
        await run.Plan.CheckHeaderAsync(plan => headers.CheckAsync(plan, cancellationToken)).ConfigureAwait(false);
        if (run.Plan.Closed is { } closed)
        {
            Blame(run, closed.Kind, closed.Why);
        }
        else
        {
            var end = run.End;
            while (end > run.First && run.Plan.Places[end - 1].End > run.Plan.ObjectBytes)
            {
                end--;
            }

            if (end < run.End)
            {
                Blame(run with { First = end }, FindingKind.Corrupt); // beyond the end of a pack that was cut short
            }

            if (end > run.First)
            {
                await ReadAsync(run with { End = end }, isAgain: false, cancellationToken).ConfigureAwait(false);
            }
        }

        meter.Settle(run.LengthBytes);
    }

    private async Task ReadAsync(ChunkRun run, bool isAgain, CancellationToken cancellationToken)
    {
        if (outage.Stopped is { } stopped)
        {
            Blame(run, FindingKind.Unreadable, stopped);
            return;
        }

        var buffer = buffers.Take();
        try
        {
            await GetAsync(run.Plan, run.OffsetBytes, buffer.AsMemory(0, run.LengthBytes), cancellationToken).ConfigureAwait(false);
            for (var i = run.First; i < run.End; i++)
            {
                var place = run.Plan.Places[i];
                if (!IsRight(place, buffer.AsSpan(place.OffsetBytes - run.OffsetBytes, place.LengthBytes)))
                {
                    await ReadAgainAsync(run.Plan, i, cancellationToken).ConfigureAwait(false);
                }
            }
        }
        catch (CheckpointerException e)
        {
            await FailAsync(run, isAgain, e, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            buffers.Return(buffer);
        }
    }

    private async Task ReadAgainAsync(PackPlan plan, int chunk, CancellationToken cancellationToken)
    {
        var place = plan.Places[chunk];

        // Rare, and beside the run's own buffer: bounded by the parallelism like that one.
        var bytes = new byte[place.LengthBytes];
        try
        {
            await GetAsync(plan, place.OffsetBytes, bytes, cancellationToken).ConfigureAwait(false);
            if (!IsRight(place, bytes))
            {
                Blame(new ChunkRun(plan, chunk, chunk + 1), FindingKind.Corrupt);
            }
        }
        catch (CheckpointerException e)
        {
            outage.Failed(e);
            Blame(new ChunkRun(plan, chunk, chunk + 1), FindingKind.Unreadable, e.Message.TrimEnd('.'));
        }
    }

    private async Task FailAsync(ChunkRun run, bool isAgain, CheckpointerException e, CancellationToken cancellationToken)
    {
        if (e.Code == ErrorCode.NotFound)
        {
            outage.Answered();
            Blame(run, FindingKind.Missing); // it went while the pack was being read
            run.Plan.Record.Fault = (FindingKind.Missing, "is missing");
        }
        else if (!e.IsTransient && e.Code == ErrorCode.StorageFailed && !isAgain)
        {
            // Each by itself: it may have been on the way, and one spot that is lost must not hide its neighbours.
            outage.Answered();
            for (var i = run.First; i < run.End; i++)
            {
                await ReadAsync(run with { First = i, End = i + 1 }, isAgain: true, cancellationToken).ConfigureAwait(false);
            }
        }
        else
        {
            outage.Failed(e);
            Blame(run, FindingKind.Unreadable, e.Message.TrimEnd('.'));
        }
    }

    private async Task GetAsync(PackPlan plan, int offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        await pace.WaitAsync(destination.Length, cancellationToken).ConfigureAwait(false);
        await store.ReadAsync(plan.Key, offset, destination, cancellationToken).ConfigureAwait(false);
        outage.Answered();
        meter.Read(destination.Length);
    }

    private void Blame(ChunkRun run, FindingKind kind, string? trouble = null)
    {
        foreach (var place in run.Places)
        {
            run.Plan.Record.Blame(place, kind, trouble);
        }

        if (run.Plan.Closed is null)
        {
            meter.Fault();
        }
    }

    private static bool IsRight(ChunkPlace place, ReadOnlySpan<byte> bytes) => ChunkHash.Compute(bytes) == place.Hash;
}
