using System.Collections.Concurrent;
using Checkpointer.Agent.Api;
using Checkpointer.Agent.Arenas;
using Checkpointer.Agent.Hosting;
using Checkpointer.Agent.Joining;
using Checkpointer.Agent.Reporting;
using Checkpointer.Agent.Restoring;
using Checkpointer.Agent.Telemetry;
using Checkpointer.Contracts.Replicas;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Storage.CrashPoints;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Agent.Replicating;

/// <summary>
/// Images that other agents offered: one is copied at a time for each rank, and behind it only the newest offer waits. A few
/// copies run at once. Thread-safe.
/// </summary>
internal sealed partial class ReplicaInbox(
    NodeArenas arenas,
    Grants grants,
    Outboxes outboxes,
    PeerClient peers,
    ReplicaBandwidth bandwidth,
    RetryPause pause,
    AgentOptions options,
    AgentTelemetry telemetry,
    TimeProvider time,
    ILogger<ReplicaInbox> logger) : IAsyncDisposable
{
    // Tries in a row without a new chunk until the owner is thought gone; it offers again if it is not.
    private const int MaxTries = 6;

    private readonly Lock _gate = new();
    private readonly Dictionary<(RunId, Rank), Lane> _lanes = [];
    private readonly ConcurrentDictionary<(RunId, Rank), bool> _troubled = new();

    // The last image of each rank that was told to be corrupt: it is offered again and again.
    private readonly ConcurrentDictionary<(RunId, Rank), (CheckpointId Checkpoint, string From)> _corrupt = new();
    private readonly SemaphoreSlim _pulls = new(options.MaxReplicaPulls);
    private bool _disposed;

    /// <summary>
    /// Takes an offer, or finds it, and waits as long as it says for the copy. Errors: <see cref="ErrorCode.StaleAttempt"/>,
    /// <see cref="ErrorCode.MemoryBudgetExceeded"/>, <see cref="ErrorCode.InvalidRequest"/>.
    /// </summary>
    public async Task<ReplicaOfferResult> OfferAsync(
        RunId run, Rank rank, CheckpointId checkpoint, ReplicaOffer offer, CancellationToken cancellationToken)
    {
        var address = Check(offer, rank);
        var wait = RequestChecks.Wait(offer.WaitMs);
        grants.RequireNotStale(run, rank, offer.Attempt);
        var pool = arenas.GetOrAdd(run, rank);
        if (pool.Holds(checkpoint, offer.Image))
        {
            return new ReplicaOfferResult { State = ReplicaState.Held, CopiedBytes = offer.Image.ImageBytes };
        }

        pool.CheckReplica(offer.Attempt, offer.Image);
        var task = Put(pool, new ReplicaTask(run, rank, checkpoint, offer, address));
        try
        {
            await task.Ended.WaitAsync(wait, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            // Then the answer says how far it is.
        }

        var state = pool.Holds(checkpoint, offer.Image) ? ReplicaState.Held : task.IsBegun ? ReplicaState.Copying : ReplicaState.Waiting;
        return new ReplicaOfferResult { State = state, CopiedBytes = task.CopiedBytes };
    }

    public async ValueTask DisposeAsync()
    {
        List<Lane> lanes;
        lock (_gate)
        {
            _disposed = true;
            lanes = [.. _lanes.Values];
            lanes.ForEach(lane => lane.Cancel());
        }

        await Task.WhenAll(lanes.Select(lane => lane.Running));
        _pulls.Dispose();
    }

    private Uri Check(ReplicaOffer offer, Rank rank)
    {
        Require(
            Uri.TryCreate(offer.Address, UriKind.Absolute, out var address) && address.Scheme == Uri.UriSchemeHttp
                && address is { AbsolutePath: "/", Query: "", Fragment: "", UserInfo: "" },
            "address is one such as http://10.0.0.7:7071");
        Require(offer.Node is { Length: >= 1 and <= 253 } && offer.Node != options.Node, "node is the name of another node");
        Require(offer.WorldSize is >= 1 and <= RequestChecks.MaxWorldSize && rank.Value < offer.WorldSize, "the rank is one of the world");
        Require(offer.Image is { Layout.Length: 64 } && ChunkHash.TryParse(offer.Image.Root, null, out _), "image names a layout and a root");
        Require(
            offer.ChunkBytes == options.ChunkBytes,
            $"this agent's chunks have {options.ChunkBytes} bytes, the offered ones {offer.ChunkBytes}; all agents of a run need the same");
        return address!;
    }

    private static void Require(bool holds, string rule)
    {
        if (!holds)
        {
            throw new CheckpointerException(ErrorCode.InvalidRequest, $"The offer is not understood: {rule}.");
        }
    }

    /// <summary>The task of that image: one that is known, or the new one, which then waits or runs.</summary>
    private ReplicaTask Put(SlotPool pool, ReplicaTask offered)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            var key = (offered.Run, offered.Rank);
            if (!_lanes.TryGetValue(key, out var lane))
            {
                _lanes[key] = lane = new Lane { Current = offered };
                lane.Running = Task.Run(() => RunAsync(pool, lane), CancellationToken.None);
                return offered;
            }

            foreach (var known in (ReplicaTask?[])[lane.Current, lane.Next])
            {
                if (known is not null && known.Checkpoint == offered.Checkpoint && known.Offer.Image.Root == offered.Offer.Image.Root
                    && known.Address == offered.Address && known.Offer.Attempt == offered.Offer.Attempt)
                {
                    offered.Dispose();
                    return known;
                }
            }

            lane.Next?.Settle();
            lane.Next = offered;

            // One that has not begun gives way; so does one of an owner that was fenced out, or that came back elsewhere.
            if (!lane.Current!.IsBegun || lane.Current.Offer.Attempt < offered.Offer.Attempt || lane.Current.Address != offered.Address)
            {
                lane.Current.Cancel();
            }

            return offered;
        }
    }

    private async Task RunAsync(SlotPool pool, Lane lane)
    {
        while (true)
        {
            var task = lane.Current!;
            await CopyAsync(pool, task);
            task.Settle();
            lock (_gate)
            {
                (lane.Current, lane.Next) = (lane.Next, null);
                if (lane.Current is null)
                {
                    _lanes.Remove((task.Run, task.Rank));
                    return;
                }
            }
        }
    }

    private async Task CopyAsync(SlotPool pool, ReplicaTask task)
    {
        var begun = time.GetTimestamp();
        using var pull = new ReplicaPull(task, pool, peers, bandwidth, telemetry, time);
        for (var failures = 0; ; failures++)
        {
            var before = task.CopiedBytes;
            try
            {
                await TryAsync(pull, task);
                Held(task, time.GetElapsedTime(begun));
                return;
            }
            catch (OperationCanceledException) when (task.Token.IsCancellationRequested)
            {
                telemetry.ReplicaPulled("superseded");
                return;
            }
            catch (Exception e) when (e is CheckpointerException or FormatFaultException or System.Text.Json.JsonException)
            {
                // Progress means that the owner lives: then patience begins anew.
                failures = task.CopiedBytes > before ? 0 : failures;
                Trouble(task, e.Message);
                var code = (e as CheckpointerException)?.Code;
                if (code is ErrorCode.StaleAttempt or ErrorCode.InvalidRequest or ErrorCode.CheckpointConflict || failures + 1 >= MaxTries)
                {
                    telemetry.ReplicaPulled(code is ErrorCode.SlotBusy or ErrorCode.MemoryBudgetExceeded ? "refused" : "failed");
                    TellIfCorrupt(task, pull.Corruption);
                    return;
                }
            }

            await pause.WaitAsync(failures, task.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task TryAsync(ReplicaPull pull, ReplicaTask task)
    {
        await _pulls.WaitAsync(task.Token);
        try
        {
            grants.RequireNotStale(task.Run, task.Rank, task.Offer.Attempt);
            await pull.RunAsync(task.Token);
        }
        finally
        {
            _pulls.Release();
        }
    }

    private void Held(ReplicaTask task, TimeSpan duration)
    {
        CrashPoint.Reach(CrashPointNames.ReplicaHeld);
        telemetry.ReplicaPulled("held");
        LogHeld(task.Run, task.Rank, task.Checkpoint, task.Offer.Node, task.CopiedBytes, duration.TotalSeconds);
        if (_troubled.TryRemove((task.Run, task.Rank), out _))
        {
            LogMended(task.Run, task.Rank, task.Offer.Node, task.Checkpoint);
        }

        try
        {
            _ = outboxes.Add(task.Run, new ReplicaReport
            {
                Attempt = task.Offer.Attempt,
                Checkpoint = task.Checkpoint,
                Rank = task.Rank,
                Node = options.Node,
                Image = task.Offer.Image,
            });
        }
        catch (CheckpointerException e)
        {
            // The next heartbeat names it too.
            Trouble(task, e.Message);
        }
    }

    /// <summary>Whatever was tried, what is read is not what was sealed: that is for people to know, once for each image.</summary>
    private void TellIfCorrupt(ReplicaTask task, CopyFault? fault)
    {
        if (fault is null || _corrupt.GetValueOrDefault((task.Run, task.Rank)) == (task.Checkpoint, task.Offer.Node))
        {
            return;
        }

        try
        {
            _ = outboxes.Add(task.Run, new CorruptCopyReport
            {
                Attempt = task.Offer.Attempt,
                Checkpoint = task.Checkpoint,
                Rank = task.Rank,
                From = task.Offer.Node,
                Node = options.Node,
                Message = fault.Message,
            });
            _corrupt[(task.Run, task.Rank)] = (task.Checkpoint, task.Offer.Node);
        }
        catch (CheckpointerException e)
        {
            // This agent speaks for too many ranks; the next offer of it says the same again.
            Trouble(task, e.Message);
        }
    }

    private void Trouble(ReplicaTask task, string fault)
    {
        if (_troubled.TryAdd((task.Run, task.Rank), true))
        {
            LogTrouble(task.Run, task.Rank, task.Checkpoint, task.Offer.Node, fault);
        }
    }

    private sealed class Lane
    {
        public ReplicaTask? Current { get; set; }

        public ReplicaTask? Next { get; set; }

        public Task Running { get; set; } = Task.CompletedTask;

        public void Cancel()
        {
            Next?.Settle();
            Next = null;
            Current?.Cancel();
        }
    }
}
