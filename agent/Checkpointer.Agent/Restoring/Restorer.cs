using System.Text.Json;
using Checkpointer.Agent.Arenas;
using Checkpointer.Agent.Hosting;
using Checkpointer.Agent.Joining;
using Checkpointer.Agent.Sealing;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;
using Checkpointer.Storage;
using Checkpointer.Storage.CrashPoints;
using Checkpointer.Storage.Repository;

namespace Checkpointer.Agent.Restoring;

/// <summary>Carries out one rank's part of a plan: in the end a slot holds the wanted image, verified.</summary>
internal sealed class Restorer(
    NodeArenas arenas, IObjectStore store, PeerClient peers, AgentOptions options, SealingOptions sealing, TimeProvider time)
{
    /// <summary>
    /// Rebuilds the image of <paramref name="checkpoint"/> that the rank wants. Errors: <c>restore_impossible</c>, and
    /// those of opening a slot. Whatever happens, no image that others need is touched.
    /// </summary>
    public async Task<RestoreOutcome> RestoreAsync(
        Grant grant, CheckpointId checkpoint, RestoreJournal journal, CancellationToken cancellationToken)
    {
        var pool = arenas.GetOrAdd(grant.Run, grant.Rank);
        var layout = pool.Layout ?? throw new CheckpointerException(
            ErrorCode.LayoutMismatch, $"Run {grant.Run} rank {grant.Rank} has registered no layout to restore.");
        CrashPoint.Reach(CrashPointNames.RestoreBegun);
        if (TryVerifyInPlace(grant, pool, checkpoint, layout, journal, cancellationToken) is { } whole)
        {
            return new RestoreOutcome(checkpoint, whole, whole.Extra, journal);
        }

        // The slot first: it may have to wait for readers of this rank's images to end, and this restore becomes one.
        using var slot = await pool.OpenForRestoreAsync(grant.Attempt, checkpoint, cancellationToken);
        var leases = new List<SlotLease>();
        try
        {
            var stored = new StoredCheckpoint(store, grant.Run, checkpoint, cancellationToken);
            using var readers = new CheckpointReaders(
                grant.Plan,
                (planned, source) => Open(grant.Run, checkpoint, planned, source, stored, leases),
                journal,
                options.RestoreParallelism,
                options.RestoreBufferBytes);
            var facts = await ImageRebuilder.RebuildAsync(
                readers, grant.Rank, slot.Layout, slot, options.RestoreParallelism, cancellationToken);
            var extra = await ReadExtraAsync(readers, grant.Rank, cancellationToken);
            CrashPoint.Reach(CrashPointNames.RestoreBuilding);
            var seal = facts?.Geometry == slot.Geometry ? facts.ToSeal() : null;
            var lease = await slot.CompleteAsync(seal, extra, cancellationToken);
            return new RestoreOutcome(checkpoint, lease, extra, journal);
        }
        finally
        {
            leases.ForEach(lease => lease.Dispose());
        }
    }

    /// <summary>The slot that holds the image already, if its bytes still are what was sealed.</summary>
    private SlotLease? TryVerifyInPlace(
        Grant grant,
        SlotPool pool,
        CheckpointId checkpoint,
        Layout layout,
        RestoreJournal journal,
        CancellationToken cancellationToken)
    {
        var planned = grant.Plan.Images.FirstOrDefault(image => image.Rank == grant.Rank);
        var lease = planned?.Layout == layout.Digest ? pool.TryLease(checkpoint) : null;
        if (lease is null)
        {
            return null;
        }

        try
        {
            new ImageFacts(lease.Seal.Image, lease.Seal.Geometry, lease.Seal.Hashes, default).CheckAgainst(planned!);
            lease.VerifyAll(sealing.Parallelism, cancellationToken);
            journal.Read(SourceKind.LocalMemory, lease.Seal.Image.ImageBytes);
            return lease;
        }
        catch (CheckpointerException e)
        {
            lease.Dispose();
            journal.Fault(grant.Rank, $"its own slot on this node ({options.Node})", SourceKind.LocalMemory, options.Node, e);
            return null;
        }
        catch (OperationCanceledException)
        {
            lease.Dispose();
            throw;
        }
    }

    private IImageSource Open(
        RunId run,
        CheckpointId checkpoint,
        ImageSources planned,
        ImageSource source,
        StoredCheckpoint stored,
        List<SlotLease> leases)
    {
        if (source.Tier == Tier.Storage)
        {
            return new StorageImageSource(stored, planned.Rank, planned.Layout);
        }

        if (source.Node == options.Node)
        {
            var lease = arenas.TryLease(run, planned.Rank, checkpoint);
            if (lease is null)
            {
                return new DeadImageSource(
                    $"the memory of this node ({options.Node})", SourceKind.LocalMemory, options.Node, "no slot holds it (any more)");
            }

            leases.Add(lease);
            return new LocalImageSource(lease, options.Node);
        }

        return Uri.TryCreate(source.Address, UriKind.Absolute, out var address) && address.Scheme == Uri.UriSchemeHttp
            ? new PeerImageSource(
                peers.Http,
                time,
                source.Node ?? "unnamed",
                PeerImageSource.AddressOf(address, run, planned.Rank, checkpoint),
                checkpoint)
            : new DeadImageSource(
                $"the memory of node {source.Node}", SourceKind.PeerMemory, source.Node, "the plan gives no address of its agent");
    }

    /// <summary>What the same rank had saved along; what rank 0 had if the world grew.</summary>
    private static async Task<JsonElement?> ReadExtraAsync(
        CheckpointReaders readers, Rank rank, CancellationToken cancellationToken)
    {
        if ((readers.Find(rank) ?? readers.Find(new Rank(0))) is not { } reader)
        {
            return null;
        }

        var extra = (await reader.OpenAsync(cancellationToken)).Extra;
        try
        {
            return extra.IsEmpty ? null : JsonElement.Parse(extra.Span);
        }
        catch (JsonException e)
        {
            throw new CheckpointerException(
                ErrorCode.RestoreImpossible, $"What rank {reader.Rank} saved along is no JSON: {e.Message}", inner: e);
        }
    }
}
