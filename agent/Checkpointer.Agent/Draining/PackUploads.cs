using System.Runtime.ExceptionServices;
using Checkpointer.Agent.Arenas;
using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Packs;
using Checkpointer.Storage;
using Checkpointer.Storage.CrashPoints;

namespace Checkpointer.Agent.Draining;

/// <summary>
/// Puts the packs of one shard, straight from the arena, several at once within limits of count and bytes. Remembers
/// what is done, so that it can be run again after a failure.
/// <para>
/// Every chunk is verified against its sealed hash, in place, after its pack was put: memory that is right then was right
/// when it was read, so a flipped bit never gets into a shard. (A pack with wrong bytes may be in the store by then; the
/// snapshot fails, so no index ever names it.)
/// </para>
/// </summary>
internal sealed class PackUploads(IObjectStore store, SlotLease lease, IReadOnlyList<PackHeader> packs, DrainingOptions options)
{
    // How many other contents may be in the way of a pack: one for each earlier process that drained this snapshot.
    private const int MaxRenumberings = 64;

    private readonly PackHeader?[] _written = new PackHeader?[packs.Count];

    /// <summary>
    /// Puts what is not put yet. A pack that storage fails does not keep the others from being put; its failure is thrown
    /// in the end, or as soon as so many in a row have failed that storage is away. When it ends, however it ends, no put is
    /// under way.
    /// </summary>
    public async Task<IReadOnlyList<PackHeader>> RunAsync(CancellationToken cancellationToken)
    {
        using var failing = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var running = new List<Task<PutResult>>();
        var failures = new PutFailures();
        long bytes = 0;
        try
        {
            for (var i = 0; i < packs.Count; i++)
            {
                if (_written[i] is not null)
                {
                    continue;
                }

                while (running.Count > 0
                    && (running.Count >= options.ConcurrentPuts || bytes + packs[i].PackBytes > options.BytesInFlight))
                {
                    bytes -= await NextAsync(running, failures);
                }

                if (failures.InARow >= options.ConcurrentPuts)
                {
                    break;
                }

                bytes += packs[i].PackBytes;
                running.Add(TryPutAsync(i, failing.Token));
            }

            while (running.Count > 0)
            {
                _ = await NextAsync(running, failures);
            }
        }
        finally
        {
            // The puts read the arena: they must have ended before the lease does.
            await failing.CancelAsync();
            await ((Task)Task.WhenAll(running)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        failures.First?.Throw();
        return [.. _written.Select(pack => pack!)];
    }

    private static async Task<int> NextAsync(List<Task<PutResult>> running, PutFailures failures)
    {
        var ended = await Task.WhenAny(running);
        running.Remove(ended);
        var (bytes, failure) = await ended;
        failures.Note(failure);
        return bytes;
    }

    private async Task<PutResult> TryPutAsync(int ordinal, CancellationToken cancellationToken)
    {
        try
        {
            return new PutResult(await PutAsync(ordinal, cancellationToken), null);
        }
        catch (CheckpointerException e) when (DrainFailures.IsOfStorage(e))
        {
            return new PutResult(packs[ordinal].PackBytes, e);
        }
    }

    private async Task<int> PutAsync(int ordinal, CancellationToken cancellationToken)
    {
        // Leaves the loop at once: what follows is work for another thread.
        await Task.Yield();
        var planned = packs[ordinal];
        for (var round = 0; round < MaxRenumberings; round++)
        {
            var number = planned.Number + (round * packs.Count);
            var pack = round == 0 ? planned : new PackHeader(planned.Checkpoint, planned.Rank, number, planned.Entries);
            var key = RepositoryKeys.Pack(lease.Run, pack.Checkpoint, pack.Rank, pack.Number);
            var header = pack.Encode();
            var outcome = await store.PutIfAbsentAsync(key, ContentOf(pack, header), cancellationToken);
            if (outcome == PutOutcome.Created)
            {
                Verify(pack);
            }
            else if (!await IsSameAsync(key, pack, header, cancellationToken))
            {
                continue;
            }

            CrashPoint.Reach(CrashPointNames.DrainPackPut);
            _written[ordinal] = pack;
            return planned.PackBytes;
        }

        throw new CheckpointerException(
            ErrorCode.CheckpointConflict,
            $"Pack {planned.Number} of {planned.Checkpoint} of rank {planned.Rank} of run {lease.Run} has {MaxRenumberings} other contents in its way.");
    }

    /// <summary>The pack's bytes where they lie.</summary>
    private ObjectContent ContentOf(PackHeader pack, byte[] header)
    {
        var geometry = lease.Seal.Geometry;
        var segments = new ReadOnlyMemory<byte>[pack.Entries.Count + 1];
        segments[0] = header;
        for (var i = 0; i < pack.Entries.Count; i++)
        {
            var chunk = pack.Entries[i].Chunk;
            segments[i + 1] = lease.Read(geometry.OffsetOf(chunk), geometry.LengthOf(chunk));
        }

        return new ObjectContent(segments);
    }

    private void Verify(PackHeader pack)
    {
        foreach (var entry in pack.Entries)
        {
            _ = lease.ReadVerified(entry.Chunk);
        }
    }

    /// <summary>
    /// Whether the object that was there already, put by an earlier try or process, is this pack. One that is not (an
    /// earlier process knew another older checkpoint to reuse chunks of, or its memory was damaged) belongs to nobody.
    /// </summary>
    private async Task<bool> IsSameAsync(ObjectKey key, PackHeader pack, byte[] header, CancellationToken cancellationToken)
    {
        if (await store.HeadAsync(key, cancellationToken) is not { } info || info.SizeBytes != pack.PackBytes)
        {
            return false;
        }

        var buffer = new byte[Math.Max(header.Length, pack.Entries.Max(entry => entry.StoredBytes))];
        await store.ReadAsync(key, 0, buffer.AsMemory(0, header.Length), cancellationToken);
        if (!buffer.AsSpan(0, header.Length).SequenceEqual(header))
        {
            return false;
        }

        for (var i = 0; i < pack.Entries.Count; i++)
        {
            var chunk = buffer.AsMemory(0, pack.Entries[i].StoredBytes);
            await store.ReadAsync(key, pack.OffsetOf(i), chunk, cancellationToken);
            if (ChunkHash.Compute(chunk.Span) != pack.Entries[i].Hash)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>How one put ended.</summary>
    private readonly record struct PutResult(int Bytes, CheckpointerException? Failure);

    private sealed class PutFailures
    {
        public ExceptionDispatchInfo? First { get; private set; }

        public int InARow { get; private set; }

        public void Note(CheckpointerException? failure)
        {
            InARow = failure is null ? 0 : InARow + 1;
            First ??= failure is null ? null : ExceptionDispatchInfo.Capture(failure);
        }
    }
}
