using System.Buffers;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Packs;

namespace Checkpointer.Storage.Verification;

/// <summary>
/// Checks a pack as an object: that it is there, as long as its index says, the pack that its key names, and that its
/// header lists the chunks that are wanted of it. Thread-safe.
/// </summary>
internal sealed class HeaderChecker(IObjectStore store, OutageWatch outage, ProgressMeter meter)
{
    private const int FirstReadBytes = 4096;
    private const int MaxReads = 2;

    /// <summary>Leaves what it finds in the plan and its record; throws only if cancelled.</summary>
    public async Task CheckAsync(PackPlan plan, CancellationToken cancellationToken)
    {
        try
        {
            if (await store.HeadAsync(plan.Key, cancellationToken).ConfigureAwait(false) is not { } found)
            {
                outage.Answered();
                Close(plan, FindingKind.Missing, "is missing");
                return;
            }

            plan.ObjectBytes = found.SizeBytes;
            var faults = new List<string>();
            if (found.SizeBytes != plan.Record.Reference.PackBytes)
            {
                faults.Add($"has {found.SizeBytes} bytes and not {plan.Record.Reference.PackBytes}");
            }

            if (found.SizeBytes >= PackHeader.FixedBytes
                && await FindHeaderFaultAsync(plan, cancellationToken).ConfigureAwait(false) is { } fault)
            {
                faults.Add(fault);
            }

            if (faults.Count > 0)
            {
                plan.Record.Fault = (FindingKind.Corrupt, string.Join("; ", faults));
                meter.Fault();
            }
        }
        catch (CheckpointerException e)
        {
            if (e.Code == ErrorCode.NotFound)
            {
                Close(plan, FindingKind.Missing, "is missing");
            }
            else if (e is { Code: ErrorCode.StorageFailed, IsTransient: false } && plan.ObjectBytes > 0)
            {
                // A spot that the store cannot give: the chunks may lie elsewhere.
                plan.Record.Fault = (FindingKind.Unreadable, $"has a header that could not be read: {e.Message.TrimEnd('.')}");
                meter.Fault();
            }
            else
            {
                outage.Failed(e);
                Close(plan, FindingKind.Unreadable, e.Message.TrimEnd('.'));
            }
        }
    }

    private void Close(PackPlan plan, FindingKind kind, string why)
    {
        plan.Closed = (kind, why);
        plan.Record.Fault = (kind, kind == FindingKind.Missing ? why : $"could not be read: {why}");
        meter.Fault();
    }

    private async Task<string?> FindHeaderFaultAsync(PackPlan plan, CancellationToken cancellationToken)
    {
        for (var reads = 1; ; reads++)
        {
            try
            {
                return FindFault(plan, await ReadHeaderAsync(plan, cancellationToken).ConfigureAwait(false));
            }
            catch (CheckpointerException e) when (
                reads < MaxReads && e is FormatFaultException or { Code: ErrorCode.StorageFailed, IsTransient: false })
            {
                // Bytes also go bad on their way: only what is found twice is the object's.
            }
            catch (FormatFaultException e)
            {
                return $"has a bad header: {e.Message.TrimEnd('.')}";
            }
        }
    }

    private async Task<PackHeader> ReadHeaderAsync(PackPlan plan, CancellationToken cancellationToken)
    {
        // The header ends where the first chunk begins, which often is the first that is wanted.
        var length = (int)Math.Min(plan.ObjectBytes, Math.Min(plan.Places[0].OffsetBytes, FirstReadBytes));
        var buffer = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            await ReadAsync(plan.Key, buffer.AsMemory(0, length), cancellationToken).ConfigureAwait(false);
            var headerBytes = PackHeader.ReadHeaderBytes(buffer.AsSpan(0, length));
            if (headerBytes <= length || headerBytes > plan.ObjectBytes)
            {
                return PackHeader.Parse(buffer.AsSpan(0, length)); // says by itself if it is cut short
            }

            ArrayPool<byte>.Shared.Return(buffer);
            buffer = ArrayPool<byte>.Shared.Rent(headerBytes);
            await ReadAsync(plan.Key, buffer.AsMemory(0, headerBytes), cancellationToken).ConfigureAwait(false);
            return PackHeader.Parse(buffer.AsSpan(0, headerBytes));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task ReadAsync(ObjectKey key, Memory<byte> destination, CancellationToken cancellationToken)
    {
        await store.ReadAsync(key, 0, destination, cancellationToken).ConfigureAwait(false);
        outage.Answered();
        meter.Read(destination.Length);
    }

    private static string? FindFault(PackPlan plan, PackHeader header)
    {
        var reference = plan.Record.Reference;
        if (header.Checkpoint != reference.Checkpoint || header.Rank != reference.Rank || header.Number != reference.Number)
        {
            return $"is pack {header.Number} of rank {header.Rank} of checkpoint {header.Checkpoint}";
        }

        if (header.PackBytes != reference.PackBytes)
        {
            return $"has by its header {header.PackBytes} bytes and not {reference.PackBytes}";
        }

        // Both are in the order of their offsets.
        var entry = 0;
        foreach (var place in plan.Places)
        {
            while (entry < header.Entries.Count && header.OffsetOf(entry) < place.OffsetBytes)
            {
                entry++;
            }

            if (entry == header.Entries.Count
                || header.OffsetOf(entry) != place.OffsetBytes
                || header.Entries[entry].StoredBytes != place.LengthBytes
                || header.Entries[entry].Hash != place.Hash)
            {
                return $"does not list the chunk at byte {place.OffsetBytes} in its header as the index does";
            }
        }

        return null;
    }
}
