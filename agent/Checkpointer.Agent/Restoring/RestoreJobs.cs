using Checkpointer.Agent.Arenas;
using Checkpointer.Agent.Hosting;
using Checkpointer.Agent.Joining;
using Checkpointer.Agent.Reporting;
using Checkpointer.Agent.Telemetry;
using Checkpointer.Contracts.Agents;
using Checkpointer.Contracts.Runs;
using Checkpointer.Contracts.Trainers;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Agent.Restoring;

/// <summary>
/// The restores of this node's ranks, one at a time each. They go on while nobody waits; whoever asks again finds them.
/// The slot of a finished one is kept until the trainer begins a snapshot or joins anew. Thread-safe.
/// </summary>
internal sealed partial class RestoreJobs(
    Restorer restorer,
    RestoreBarrier barrier,
    Grants grants,
    NodeArenas arenas,
    Outboxes outboxes,
    AgentOptions options,
    AgentTelemetry telemetry,
    TimeProvider time,
    ILogger<RestoreJobs> logger) : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(RunId, Rank), Job> _jobs = [];

    /// <summary>Starts the restore of <paramref name="grant"/>'s plan, or finds it, and waits for it at most <paramref name="wait"/>.</summary>
    public async Task<RestoreResponse> RestoreAsync(
        Grant grant, string layout, TimeSpan wait, CancellationToken cancellationToken)
    {
        if (grant.Plan.ResumeFrom is null)
        {
            return new RestoreResponse { Done = true };
        }

        var job = Find(grant, layout);
        var running = job.Running;
        try
        {
            var outcome = await running.WaitAsync(wait, time, cancellationToken);
            return new RestoreResponse
            {
                Done = true,
                Plan = outcome.Plan,
                Checkpoint = outcome.Checkpoint,
                Slot = outcome.Lease.Location,
                Extra = outcome.Extra,
                LocalMemoryBytes = outcome.Journal.BytesFrom(SourceKind.LocalMemory),
                PeerMemoryBytes = outcome.Journal.BytesFrom(SourceKind.PeerMemory),
                StorageBytes = outcome.Journal.BytesFrom(SourceKind.Storage),
            };
        }
        catch (TimeoutException)
        {
            return new RestoreResponse { Done = false, WaitingFor = job.WaitingFor };
        }
        catch (OperationCanceledException) when (running.IsCanceled && !cancellationToken.IsCancellationRequested)
        {
            throw new CheckpointerException(
                ErrorCode.StaleAttempt, $"Run {grant.Run} rank {grant.Rank}: the restore of attempt {grant.Attempt} was ended by a newer one.");
        }
    }

    /// <summary>The rank has moved on: its restored slot may be reused when the release rule lets it.</summary>
    public void Release(RunId run, Rank rank)
    {
        Job? job;
        lock (_gate)
        {
            // A running one goes on: a trainer that begins a snapshot meanwhile is refused by the arenas, not here.
            job = _jobs.TryGetValue((run, rank), out var known) && known.Running.IsCompleted && _jobs.Remove((run, rank))
                ? known
                : null;
        }

        job?.End();
    }

    /// <summary>A newer attempt was granted: restores of older ones end.</summary>
    public void EndOlder(RunId run, Rank rank, Attempt attempt)
    {
        Job? job;
        lock (_gate)
        {
            job = _jobs.TryGetValue((run, rank), out var known) && known.Attempt < attempt && _jobs.Remove((run, rank))
                ? known
                : null;
        }

        job?.End();
    }

    public async ValueTask DisposeAsync()
    {
        List<Job> jobs;
        lock (_gate)
        {
            jobs = [.. _jobs.Values];
            _jobs.Clear();
        }

        jobs.ForEach(job => job.End());
        await Task.WhenAll(jobs.Select(job => job.Ended));
    }

    private Job Find(Grant grant, string layout)
    {
        Job? old;
        Job job;
        lock (_gate)
        {
            if (_jobs.TryGetValue((grant.Run, grant.Rank), out old) && old.Attempt == grant.Attempt && old.Layout == layout
                && !old.Running.IsFaulted)
            {
                return old;
            }

            // One that failed is tried again when the trainer asks again: the world may have changed.
            job = new Job(grant.Attempt, layout, (job, token) => Task.Run(() => RunAsync(job, grant, token), CancellationToken.None));
            _jobs[(grant.Run, grant.Rank)] = job;
        }

        old?.End();
        return job;
    }

    /// <summary>
    /// Rebuilds what the plan says, waits until every rank has, and starts over with another plan if one could not. Nothing is
    /// given to the trainer before.
    /// </summary>
    private async Task<RestoreOutcome> RunAsync(Job job, Grant granted, CancellationToken cancellationToken)
    {
        for (var grant = granted; ;)
        {
            var (report, outcome) = await RebuildAsync(grant, cancellationToken);
            RestoreResult result;
            try
            {
                result = await barrier.PassAsync(grant.Run, report, job.WaitFor, cancellationToken);
                if (result.State == RestoreState.Confirmed && outcome is not null)
                {
                    return outcome with { Plan = report.Plan!.Value };
                }
            }
            catch
            {
                outcome?.Lease.Dispose();
                throw;
            }

            outcome?.Lease.Dispose();
            if (result is not { State: RestoreState.Replaced, Plan: { ResumeFrom: not null } plan })
            {
                throw new CheckpointerException(
                    ErrorCode.RestoreImpossible,
                    $"Run {grant.Run} rank {grant.Rank}: attempt {grant.Attempt} cannot restore anything. {result.Reason}");
            }

            LogReplaced(grant.Run, grant.Rank, report.Checkpoint, plan.Number, plan.Reason);
            grant = grant with { Plan = plan };
            grants.Add(grant);
            arenas.Observe(new RunProgress
            {
                Run = grant.Run,
                Attempt = grant.Attempt,
                Plan = plan.Number,
                ResumedFrom = plan.ResumeFrom,
                GivenUp = [],
            });
            job.WaitFor([]);
        }
    }

    /// <summary>
    /// The report, and what was restored; null if no source is left, which another plan may mend. What another one would not
    /// mend is reported and thrown.
    /// </summary>
    private async Task<(RestoreReport Report, RestoreOutcome? Outcome)> RebuildAsync(Grant grant, CancellationToken cancellationToken)
    {
        using var span = AgentTelemetry.Spans.StartActivity("checkpointer.agent.restore");
        var checkpoint = grant.Plan.ResumeFrom!.Value;
        span?.SetTag("checkpointer.checkpoint", checkpoint.ToString());
        var started = time.GetTimestamp();
        var journal = new RestoreJournal(telemetry);
        try
        {
            var outcome = await restorer.RestoreAsync(grant, checkpoint, journal, cancellationToken);
            var duration = time.GetElapsedTime(started);
            telemetry.RestoreEnded(succeeded: true, duration);
            LogRestored(grant.Run, grant.Rank, checkpoint, duration.TotalMilliseconds, journal.Faults.Count);
            return (Report(grant, checkpoint, journal, succeeded: true, duration), outcome);
        }
        catch (CheckpointerException e)
        {
            LogFailed(grant.Run, grant.Rank, checkpoint, e.Message);
            if (journal.Faults.Count == 0)
            {
                journal.Fault(grant.Rank, "this agent", null, options.Node, e);
            }

            var duration = time.GetElapsedTime(started);
            telemetry.RestoreEnded(succeeded: false, duration);
            var report = Report(grant, checkpoint, journal, succeeded: false, duration);
            if (journal.NoSourceLeft)
            {
                return (report, null);
            }

            _ = outboxes.Add(grant.Run, report);
            throw;
        }
    }

    private RestoreReport Report(
        Grant grant, CheckpointId checkpoint, RestoreJournal journal, bool succeeded, TimeSpan duration) => new()
        {
            Attempt = grant.Attempt,
            Rank = grant.Rank,
            Node = options.Node,
            Checkpoint = checkpoint,
            Plan = Math.Max(1, grant.Plan.Number),
            Succeeded = succeeded,
            NoSourceLeft = succeeded ? null : journal.NoSourceLeft,
            LocalMemoryBytes = journal.BytesFrom(SourceKind.LocalMemory),
            PeerMemoryBytes = journal.BytesFrom(SourceKind.PeerMemory),
            StorageBytes = journal.BytesFrom(SourceKind.Storage),
            RestoreMs = duration.TotalMilliseconds,
            Faults = journal.Faults,
        };

    private sealed class Job : IDisposable
    {
        private readonly CancellationTokenSource _cancellation = new();

        private volatile IReadOnlyList<Rank> _waitingFor = [];

        public Job(Attempt attempt, string layout, Func<Job, CancellationToken, Task<RestoreOutcome>> run)
        {
            (Attempt, Layout) = (attempt, layout);
            Running = run(this, _cancellation.Token);
            Ended = ReleaseAtEndAsync();
        }

        public Attempt Attempt { get; }

        public string Layout { get; }

        public Task<RestoreOutcome> Running { get; }

        /// <summary>The ranks that all wait for; empty while this one's own image is being rebuilt.</summary>
        public IReadOnlyList<Rank> WaitingFor => _waitingFor;

        /// <summary>Ends, never with an error, when the job was ended and holds nothing any more.</summary>
        public Task Ended { get; }

        public void WaitFor(IReadOnlyList<Rank> ranks) => _waitingFor = ranks;

        public void End() => _cancellation.Cancel();

        public void Dispose() => _cancellation.Dispose();

        private async Task ReleaseAtEndAsync()
        {
            var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await using var registration = _cancellation.Token.Register(() => ended.TrySetResult());
            await ended.Task;
            await ((Task)Running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (Running.IsCompletedSuccessfully)
            {
                (await Running).Lease.Dispose();
            }

            Dispose();
        }
    }
}
