using System.Threading.Channels;
using Checkpointer.Agent.Arenas;
using Checkpointer.Agent.Hosting;
using Checkpointer.Agent.Telemetry;
using Checkpointer.Contracts.Problems;
using Checkpointer.Contracts.Replicas;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Agent.Replicating;

/// <summary>
/// Offers the newest image of each of this node's ranks to the peer that the service names, and keeps it until the peer holds
/// it. Runs beside training: nobody waits for it.
/// </summary>
internal sealed partial class ReplicaSender : BackgroundService
{
    // Long enough that repeating costs nothing, short enough that a newer image is not kept waiting behind one that never begins.
    private const int WaitMs = 1000;

    // How long a peer may be silent until the slot is let go, so that saves find one.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(1);

    private readonly Channel<bool> _news = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    private readonly Dictionary<(RunId, Rank), Copying> _copies = [];
    private readonly NodeArenas _arenas;
    private readonly ReplicaClient _client;
    private readonly AgentIdentity _identity;
    private readonly AgentTelemetry _telemetry;
    private readonly TimeProvider _time;
    private readonly ILogger<ReplicaSender> _logger;

    public ReplicaSender(
        NodeArenas arenas,
        ReplicaClient client,
        AgentIdentity identity,
        AgentTelemetry telemetry,
        TimeProvider time,
        ILogger<ReplicaSender> logger)
    {
        (_arenas, _client, _identity, _telemetry, _time, _logger) = (arenas, client, identity, telemetry, time, logger);
        arenas.News = () => _news.Writer.TryWrite(true);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                foreach (var pool in _arenas.Pools)
                {
                    Look(pool, stoppingToken);
                }

                using var timer = new CancellationTokenSource(LookAgain, _time);
                using var both = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, stoppingToken);
                await ((Task)_news.Reader.ReadAsync(both.Token).AsTask()).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                stoppingToken.ThrowIfCancellationRequested();
            }
        }
        finally
        {
            await Task.WhenAll(_copies.Values.Select(copy => copy.Running));
        }
    }

    private void Look(SlotPool pool, CancellationToken stoppingToken)
    {
        var key = (pool.Run, pool.Rank);
        var copy = _copies.GetValueOrDefault(key);
        if (copy is { Running.IsFaulted: true })
        {
            // A bug: the host stops loudly.
            copy.Running.GetAwaiter().GetResult();
        }

        if (pool.NextCopy is not { Progress.Peer: { } peer } candidate || peer.Node == _identity.Node
            || !Uri.TryCreate(peer.Address, UriKind.Absolute, out var address) || address.Scheme != Uri.UriSchemeHttp)
        {
            copy?.End();
            return;
        }

        var isSamePlace = copy is not null && copy.Peer == peer && copy.Candidate.Progress.Attempt == candidate.Progress.Attempt;
        if (copy is { Running.IsCompleted: false })
        {
            if (!isSamePlace)
            {
                copy.End();
            }

            return;
        }

        if (isSamePlace && copy!.Candidate.Checkpoint == candidate.Checkpoint
            && (copy.IsHeld || _time.GetElapsedTime(copy.EndedAt) < RetryAfter))
        {
            return;
        }

        _copies[key] = Start(isSamePlace && copy!.IsRefused);

        Copying Start(bool wasRefused)
        {
            var end = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
            var started = new Copying(candidate, peer, end) { IsRefused = wasRefused };
            started.Running = Task.Run(() => RunAsync(pool, started, address), CancellationToken.None);
            return started;
        }
    }

    private async Task RunAsync(SlotPool pool, Copying copy, Uri address)
    {
        var checkpoint = copy.Candidate.Checkpoint;
        var isHeld = false;
        try
        {
            isHeld = pool.BeginCopy(checkpoint) && await OfferAsync(pool, copy, address);
            if (isHeld)
            {
                Held(pool, copy);
            }
        }
        catch (CheckpointerException e)
        {
            _telemetry.ReplicaOffered(CheckpointerProblem.NameOf(e.Code));
            if (!copy.IsRefused)
            {
                LogRefused(pool.Run, pool.Rank, copy.Peer.Node, checkpoint, e.Message);
            }

            copy.IsRefused = true;
        }
        catch (OperationCanceledException) when (copy.Token.IsCancellationRequested)
        {
            _telemetry.ReplicaOffered("ended");
        }
        finally
        {
            pool.EndCopy(checkpoint, isHeld);
            copy.EndedAt = _time.GetTimestamp();
            copy.Dispose();
            _news.Writer.TryWrite(true);
        }
    }

    private void Held(SlotPool pool, Copying copy)
    {
        copy.IsHeld = true;
        _telemetry.ReplicaOffered("held");
        _telemetry.ReplicaHeld(_time.GetElapsedTime(copy.Candidate.HeldAt));
        if (copy.IsRefused)
        {
            LogCopied(pool.Run, pool.Rank, copy.Peer.Node, copy.Candidate.Checkpoint);
        }

        copy.IsRefused = false;
    }

    /// <summary>Offers until the peer holds it: true. False if there is something newer to copy, or it must not be kept any more.</summary>
    private async Task<bool> OfferAsync(SlotPool pool, Copying copy, Uri address)
    {
        var candidate = copy.Candidate;
        var offer = new ReplicaOffer
        {
            Attempt = candidate.Progress.Attempt,
            Node = _identity.Node,
            Address = _identity.Address,
            WorldSize = candidate.WorldSize,
            Image = candidate.Image,
            ChunkBytes = candidate.ChunkBytes,
            WaitMs = WaitMs,
        };
        var heard = _time.GetTimestamp();
        while (true)
        {
            try
            {
                var result = await _client.OfferAsync(address, pool.Run, pool.Rank, candidate.Checkpoint, offer, copy.Token);
                heard = _time.GetTimestamp();
                if (result.State == ReplicaState.Held)
                {
                    return true;
                }

                if (!pool.IsCopying(candidate.Checkpoint)
                    || (result.State == ReplicaState.Waiting && pool.NextCopy?.Checkpoint != candidate.Checkpoint))
                {
                    return false;
                }
            }
            catch (CheckpointerException e) when (e.IsTransient && _time.GetElapsedTime(heard) < Patience)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(200), _time, copy.Token);
            }
        }
    }

    private sealed class Copying(CopyCandidate candidate, ReplicaPeer peer, CancellationTokenSource end) : IDisposable
    {
        private int _disposed;

        public CopyCandidate Candidate => candidate;

        public ReplicaPeer Peer => peer;

        public CancellationToken Token { get; } = end.Token;

        public Task Running { get; set; } = Task.CompletedTask;

        public bool IsHeld { get; set; }

        /// <summary>Whether the last one was refused: logged at its beginning and end only.</summary>
        public bool IsRefused { get; set; }

        public long EndedAt { get; set; }

        public void End()
        {
            if (Volatile.Read(ref _disposed) == 0)
            {
                end.Cancel();
            }
        }

        public void Dispose()
        {
            Volatile.Write(ref _disposed, 1);
            end.Dispose();
        }
    }
}
