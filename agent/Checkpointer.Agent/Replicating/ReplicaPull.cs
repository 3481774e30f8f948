using System.Text.Json;
using Checkpointer.Agent.Arenas;
using Checkpointer.Agent.Restoring;
using Checkpointer.Agent.Telemetry;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Layouts;
using Checkpointer.Storage.CrashPoints;

namespace Checkpointer.Agent.Replicating;

/// <summary>
/// Copies one image from its owner into a slot, through the same reader as a restore. Each try reads only chunks that are
/// missing still; nobody sees the slot until all are in and verified.
/// </summary>
internal sealed class ReplicaPull(
    ReplicaTask task, SlotPool pool, PeerClient peers, ReplicaBandwidth bandwidth, AgentTelemetry telemetry, TimeProvider time)
    : IDisposable
{
    // Two keep the line busy while one of them is hashed; more would only take the trainers' memory bandwidth.
    private const int Parallelism = 2;
    private const int MaxChunksPerRead = 4;

    private readonly Lock _gate = new();
    private Layout? _layout;
    private RestoreSlot? _slot;
    private bool[] _has = [];
    private RestoreJournal _journal = new(telemetry: null);

    /// <summary>What was wrong with the image's bytes in the last try, if they were.</summary>
    public CopyFault? Corruption => _journal.Faults.FirstOrDefault(fault => fault.Kind == CopyFaultKind.Corrupt);

    /// <summary>One try. Throws what went wrong; another try goes on where this one ended.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var planned = new ImageSources
        {
            Rank = task.Rank,
            Layout = task.Offer.Image.Layout,
            ImageBytes = task.Offer.Image.ImageBytes,
            Root = task.Offer.Image.Root,
            Sources = [],
        };
        var source = new PeerImageSource(
            peers.Http, time, task.Offer.Node, PeerImageSource.AddressOf(task.Address, task.Run, task.Rank, task.Checkpoint), task.Checkpoint);
        _journal = new RestoreJournal(telemetry: null);
        using var reader = new ImageReader(planned, [source], _journal);
        var facts = await reader.OpenAsync(cancellationToken);
        _layout ??= await reader.ReadLayoutAsync(cancellationToken);
        var extra = ParseExtra(facts.Extra);
        _slot ??= await pool.OpenForReplicaAsync(
            task.Offer.Attempt, task.Checkpoint, _layout, task.Offer.WorldSize, cancellationToken);
        if (facts.Geometry != _slot.Geometry)
        {
            throw new CheckpointerException(
                ErrorCode.InvalidRequest,
                $"It is cut into chunks of {facts.Geometry.ChunkBytes} bytes; this agent's have {_slot.Geometry.ChunkBytes}. All agents of a run need the same.");
        }

        _has = _has.Length == 0 ? new bool[facts.Geometry.Count] : _has;
        task.IsBegun = true;
        var options = new ParallelOptions { MaxDegreeOfParallelism = Parallelism, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(Missing(facts.Geometry), options, (run, token) => ReadAsync(reader, facts, run, token));
        (await _slot.CompleteAsync(facts.ToSeal(), extra, cancellationToken)).Dispose();
    }

    public void Dispose() => _slot?.Dispose();

    private async ValueTask ReadAsync(ImageReader reader, ImageFacts facts, ChunkRun run, CancellationToken cancellationToken)
    {
        if (!_slot!.IsWanted)
        {
            throw new CheckpointerException(ErrorCode.CheckpointConflict, "The copy is not wanted any more: its slot is needed, or the step was given up.");
        }

        var bytes = run.Singles().Sum(single => (long)facts.Geometry.LengthOf(single.First));
        await bandwidth.WaitAsync(bytes, cancellationToken);
        await ImageRebuilder.CopyAsync(reader, facts.Geometry, [run], _slot, 1, cancellationToken);
        lock (_gate)
        {
            Array.Fill(_has, true, run.First, run.Count);
        }

        CrashPoint.Reach(CrashPointNames.ReplicaCopying);
        task.Copied(bytes);
        telemetry.ReplicaRead(bytes);
    }

    /// <summary>Chunks still to come, in reads that a bandwidth limit lets through at least eight times a second if it can.</summary>
    private List<ChunkRun> Missing(ChunkGeometry geometry)
    {
        var perRead = bandwidth.BytesPerSecond == 0
            ? MaxChunksPerRead
            : (int)Math.Clamp(bandwidth.BytesPerSecond / 8 / geometry.ChunkBytes, 1, MaxChunksPerRead);
        perRead = Math.Min(perRead, Math.Max(1, ImageRebuilder.BatchBytes / geometry.ChunkBytes));
        lock (_gate)
        {
            return
            [
                .. ImageRebuilder.Batches(geometry, perRead)
                    .SelectMany(batch => batch.Split(chunk => !_has[chunk]))
                    .Where(part => part.Matches)
                    .Select(part => part.Run),
            ];
        }
    }

    private static JsonElement? ParseExtra(ReadOnlyMemory<byte> extra)
    {
        if (extra.Length > ArenaGeometry.MaxExtraBytes)
        {
            throw new CheckpointerException(ErrorCode.ChunkCorrupt, $"Its extra value has {extra.Length} bytes.");
        }

        return extra.IsEmpty ? null : JsonElement.Parse(extra.Span);
    }
}
