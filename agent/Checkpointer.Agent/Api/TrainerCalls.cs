using Checkpointer.Agent.Admission;
using Checkpointer.Agent.Arenas;
using Checkpointer.Agent.Hosting;
using Checkpointer.Agent.Joining;
using Checkpointer.Agent.Reporting;
using Checkpointer.Agent.Restoring;
using Checkpointer.Contracts.Runs;
using Checkpointer.Contracts.Trainers;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;

namespace Checkpointer.Agent.Api;

/// <summary>What trainers ask of the agent. Every call but join is fenced by its attempt first.</summary>
internal sealed class TrainerCalls(
    Joiner joiner,
    Grants grants,
    NodeArenas arenas,
    MemoryBudget budget,
    RestoreJobs restores,
    Outboxes outboxes,
    ServiceClient service,
    AgentIdentity identity)
{
    /// <summary>A rank has come up.</summary>
    public Task<JoinResponse> JoinAsync(RunId run, Rank rank, JoinRequest request, CancellationToken cancellationToken)
    {
        RequestChecks.Check(request, rank);
        return joiner.JoinAsync(run, rank, request, cancellationToken);
    }

    /// <summary>A rank says what its images look like: its slots are made.</summary>
    public Task<RegisterLayoutResponse> RegisterAsync(
        RunId run, Rank rank, Attempt attempt, ReadOnlyMemory<byte> layout, CancellationToken cancellationToken)
    {
        var grant = grants.Require(run, rank, attempt);
        return arenas.GetOrAdd(run, rank)
            .RegisterAsync(attempt, grant.WorldSize, Layout.Parse(layout.Span), cancellationToken);
    }

    /// <summary>A rank wants the state that its attempt resumes from.</summary>
    public Task<RestoreResponse> RestoreAsync(
        RunId run, Rank rank, RestoreRequest request, CancellationToken cancellationToken)
    {
        var grant = grants.Require(run, rank, request.Attempt);
        var registered = arenas.Find(run, rank)?.Layout?.Digest;
        if (registered is null || registered != request.Layout)
        {
            throw new CheckpointerException(
                ErrorCode.LayoutMismatch,
                $"Run {run} rank {rank}: layout {request.Layout} is not the registered one ({registered ?? "none"}). Register it first.");
        }

        return restores.RestoreAsync(grant, request.Layout, RequestChecks.Wait(request.WaitMs), cancellationToken);
    }

    /// <summary>A rank wants a slot to fill.</summary>
    public Task<SlotLocation> BeginAsync(
        RunId run, Rank rank, BeginSnapshotRequest request, CancellationToken cancellationToken)
    {
        grants.Require(run, rank, request.Attempt);
        restores.Release(run, rank);
        return Pool(run, rank).BeginAsync(request, cancellationToken);
    }

    /// <summary>All bytes are in the slot.</summary>
    public SnapshotStatus Seal(RunId run, Rank rank, Step step, SealSnapshotRequest request)
    {
        grants.Require(run, rank, request.Attempt);
        return Pool(run, rank).Seal(step, request);
    }

    /// <summary>A capture has failed.</summary>
    public SnapshotStatus Discard(RunId run, Rank rank, CheckpointId snapshot)
    {
        grants.Require(run, rank, snapshot.Attempt);
        return Pool(run, rank).Discard(snapshot);
    }

    /// <summary>Where a snapshot stands.</summary>
    public Task<SnapshotStatus> StatusAsync(
        RunId run, Rank rank, CheckpointId snapshot, string? until, int waitMs, CancellationToken cancellationToken)
    {
        grants.Require(run, rank, snapshot.Attempt);
        return Pool(run, rank).StatusAsync(
            snapshot, RequestChecks.State(until), RequestChecks.Wait(waitMs), cancellationToken);
    }

    /// <summary>A rank has completed steps.</summary>
    public ReportResponse Report(RunId run, Rank rank, ReportRequest request)
    {
        RequestChecks.Check(request);
        grants.Require(run, rank, request.Attempt);
        if (request.Reports.Count > 0 && rank.Value == 0)
        {
            outboxes.AddSteps(run, new ReportSteps { Attempt = request.Attempt, Reports = request.Reports });
        }

        return new ReportResponse
        {
            LedgerStep = rank.Value == 0 ? outboxes.LedgerStep(run, request.Attempt) : null,
            AgentInstance = identity.Instance,
        };
    }

    /// <summary>The agent at a glance.</summary>
    public AgentStatus Status() => new()
    {
        Node = identity.Node,
        Instance = identity.Instance,
        MemoryBudgetBytes = budget.LimitBytes,
        MemoryUsedBytes = budget.UsedBytes,
        ServiceReachable = service.IsReachable,
        PendingDrains = arenas.PendingDrains,
        Holdings = arenas.Holdings,
    };

    private SlotPool Pool(RunId run, Rank rank) => arenas.Find(run, rank) ?? throw new CheckpointerException(
        ErrorCode.LayoutMismatch, $"Run {run} rank {rank} has registered no layout with this agent. Register it first.");
}
