using Checkpointer.Contracts.Agents;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Manifests;
using Checkpointer.Service.Runs.Checkpoints;
using Checkpointer.Service.Runs.Commands;
using Checkpointer.Service.Runs.Events;
using Checkpointer.Service.Runs.Incidents;
using Checkpointer.Service.Runs.Joining;
using Checkpointer.Service.Runs.Ledger;
using Checkpointer.Service.Runs.Lineage;
using Checkpointer.Service.Runs.Rollbacks;
using Checkpointer.Service.Runs.Snapshots;

namespace Checkpointer.Service.Runs;

/// <summary>
/// All that the service knows of one run: a fold over its events. Pure and deterministic: no clock, no I/O, no randomness;
/// equal events give an equal state, whether applied live, replayed from the journal, or after <see cref="FromSnapshot"/>.
/// Use: <see cref="Decide{TAnswer}"/>, journal the decision's events, <see cref="Apply"/> each in order before the next
/// <c>Decide</c>, and give the answer once they are durable.
/// <para>Not thread-safe: one caller at a time, readers included. What queries return never changes afterwards.</para>
/// </summary>
internal sealed class RunState
{
    private DateTimeOffset? _createdAt;

    /// <summary>A run that nothing has happened to.</summary>
    public RunState(RunId run, RunOptions options)
    {
        Run = run;
        Options = options;
    }

    /// <summary>The run.</summary>
    public RunId Run { get; }

    /// <summary>What the operator chose.</summary>
    public RunOptions Options { get; }

    /// <summary>Whether any rank ever joined; until then every command but a join is refused with <c>not_found</c>.</summary>
    public bool Exists => _createdAt is not null;

    /// <summary>The current attempt; null before the first grant.</summary>
    public Attempt? CurrentAttempt => Attempts.Current?.Attempt;

    /// <summary>Ranks that wait for a grant.</summary>
    internal JoinBarrier Barrier { get; } = new();

    /// <summary>Attempts and lineage.</summary>
    internal AttemptHistory Attempts { get; } = new();

    /// <summary>Snapshots in memory.</summary>
    internal SnapshotBook Snapshots { get; } = new();

    /// <summary>Checkpoints.</summary>
    internal CheckpointBook Checkpoints { get; } = new();

    /// <summary>Steps.</summary>
    internal StepLedger Ledger { get; } = new();

    /// <summary>Decisions to go back.</summary>
    internal RollbackBook Rollbacks { get; } = new();

    /// <summary>
    /// The way that the next grant may continue: the current one, unless a rollback that is pending cuts it. An attempt that
    /// was given another plan and never came to train on it has left nothing behind either: what it could not restore, the
    /// next one may.
    /// </summary>
    internal LineagePath ResumePath => Rollbacks.Pending is { Target: var target } ? Attempts.PathThrough(target)
        : Attempts.Restoring is { Failed: [var granted, ..] } && Attempts.Current!.FirstStepAt is null ? Attempts.PathThrough(granted)
        : Attempts.Path;

    /// <summary>Incidents.</summary>
    internal IncidentLog Incidents { get; } = new();

    /// <summary>What <paramref name="command"/> comes to at <paramref name="now"/> (any offset). Changes nothing.</summary>
    public Decision<TAnswer> Decide<TAnswer>(RunCommand<TAnswer> command, DateTimeOffset now)
        where TAnswer : class => command.Decide(this, now.ToUniversalTime());

    /// <summary>
    /// Makes it so. Throws <see cref="Formats.Errors.InvariantViolationException"/> on an event that can't have been decided.
    /// </summary>
    public void Apply(RunEvent happened)
    {
        RunFold.Apply(this, happened);
        _createdAt ??= happened.At;
        Incidents.Append(happened.Incidents ?? []);
    }

    /// <summary>The whole state as data, for <see cref="SavedRunCodec"/>; shares nothing that changes.</summary>
    public SavedRun ToSnapshot() => new()
    {
        Run = Run,
        CreatedAt = _createdAt,
        Pending = Barrier.Pending,
        PastIncarnations = [.. Barrier.Past],
        Attempts = [.. Attempts.All],
        Plan = Attempts.Plan,
        Restoring = Attempts.Restoring,
        GloballySealed = Snapshots.GloballySealed,
        GivenUp = [.. Snapshots.GivenUp],
        NewestForgotten = Snapshots.NewestForgotten,
        Snapshots = [.. Snapshots.Records.Select(record => record.Copy())],
        CommittedCount = Checkpoints.CommittedCount,
        Condemned = Checkpoints.Condemned,
        ForgottenCheckpoints = [.. Checkpoints.Forgotten],
        Checkpoints = [.. Checkpoints.Records.Select(record => record.Copy())],
        ForgottenLedgerEntries = Ledger.Forgotten,
        Ledger = [.. Ledger.Entries],
        DisputedSteps = [.. Ledger.Disputed.Order()],
        IncidentCount = Incidents.Total,
        Incidents = [.. Incidents.Kept],
        RollbackCount = Rollbacks.Total,
        Rollbacks = [.. Rollbacks.Kept],
    };

    /// <summary>The state that <see cref="ToSnapshot"/> was taken of.</summary>
    public static RunState FromSnapshot(SavedRun saved, RunOptions options)
    {
        var state = new RunState(saved.Run, options) { _createdAt = saved.CreatedAt };
        state.Barrier.Load(saved.Pending, saved.PastIncarnations);
        state.Attempts.Load(saved.Attempts, saved.Plan, saved.Restoring);
        state.Rollbacks.Load(saved.RollbackCount, saved.Rollbacks ?? []);
        state.Snapshots.Load(saved.GloballySealed, saved.GivenUp, saved.NewestForgotten, saved.Snapshots);
        state.Checkpoints.Load(
            saved.CommittedCount,
            saved.Condemned,
            saved.ForgottenCheckpoints ?? (saved.NewestForgottenCheckpoint is { } newest ? [newest] : []),
            saved.Checkpoints,
            state.Attempts.Path);
        state.Checkpoints.Keep(state.Rollbacks.Pending?.Target);
        state.Ledger.Load(saved.ForgottenLedgerEntries, saved.Ledger, saved.DisputedSteps);
        state.Incidents.Load(saved.IncidentCount, saved.Incidents);
        return state;
    }

    /// <summary>The run at a glance. Only of a run that <see cref="Exists"/>.</summary>
    public RunSummary Summarise() => new()
    {
        Run = Run,
        CreatedAt = _createdAt!.Value,
        Attempt = CurrentAttempt,
        WorldSize = Attempts.Current?.WorldSize ?? 0,
        LedgerStep = NewestLedgerStep(Attempts.Path),
        GloballySealed = Snapshots.GloballySealed,
        Committed = Checkpoints.Committed,
        RollbackTo = Rollbacks.Pending?.Target,
        CommittedCheckpoints = Checkpoints.CommittedCount,
        Incidents = Incidents.Total,
    };

    /// <summary>What agents must know of it; null before the first grant.</summary>
    public RunProgress? Progress => Attempts.Current is not { } current ? null : new RunProgress
    {
        Run = Run,
        Attempt = current.Attempt,
        Fenced = Rollbacks.Pending is not null,
        Plan = CurrentPlan?.Number ?? 0,
        GloballySealed = Snapshots.GloballySealed,
        ResumedFrom = current.ResumedFrom,
        GivenUp = [.. Snapshots.GivenUp],
        GivenUpThrough = Snapshots.GivenUpThrough,
        Committed = Checkpoints.Committed,
    };

    /// <summary>The plan of the current attempt, the same instance until the next grant; null before the first.</summary>
    public RecoveryPlan? CurrentPlan => Attempts.Plan;

    /// <summary>One attempt (also the record stored beside the checkpoints); null if there is none such.</summary>
    public AttemptSummary? FindAttempt(Attempt attempt) => Attempts.Find(attempt)?.Summarise();

    /// <summary>One checkpoint; null if there is none such.</summary>
    public CheckpointSummary? FindCheckpoint(CheckpointId checkpoint) =>
        Checkpoints.Find(checkpoint)?.Summarise(Attempts.Path.Contains(checkpoint));

    /// <summary>
    /// Attempts, oldest first. All pages: <paramref name="after"/> is the <see cref="Page{T}.Next"/> of the page before, or
    /// null; at most <paramref name="limit"/> elements, which is cut to 1 to <see cref="RunLimits.MaxPageSize"/>. Throws
    /// <see cref="Formats.Errors.CheckpointerException"/> (<c>invalid_request</c>) on another <paramref name="after"/>.
    /// </summary>
    public Page<AttemptSummary> ListAttempts(string? after, int limit) => RunPages.Attempts(this, after, limit);

    /// <summary>Checkpoints, by step, then attempt. Pages as in <see cref="ListAttempts"/>.</summary>
    public Page<CheckpointSummary> ListCheckpoints(string? after, int limit) => RunPages.Checkpoints(this, after, limit);

    /// <summary>The ledger, in the order in which it was written. Pages as in <see cref="ListAttempts"/>.</summary>
    public Page<LedgerEntry> ListLedger(string? after, int limit) => RunPages.Ledger(this, after, limit);

    /// <summary>Incidents, oldest first. Pages as in <see cref="ListAttempts"/>.</summary>
    public Page<Incident> ListIncidents(string? after, int limit) => RunPages.Incidents(this, after, limit);

    /// <summary>Rollbacks, oldest first. Pages as in <see cref="ListAttempts"/>.</summary>
    public Page<Rollback> ListRollbacks(string? after, int limit) => RunPages.Rollbacks(this, after, limit);

    /// <summary>
    /// Checkpoints in state committing, by step: for each, check and write the manifest, then send
    /// <see cref="CompleteCommit"/> or <see cref="RejectCommit"/>.
    /// </summary>
    public IReadOnlyList<CheckpointId> PendingCommits =>
        [.. Checkpoints.Open.Where(record => record.State == CheckpointState.Committing).Select(record => record.Checkpoint)];

    /// <summary>Checkpoints in state saving and when to send <see cref="PassDeadline"/> for each, earliest first.</summary>
    public IReadOnlyList<PendingDeadline> PendingDeadlines =>
    [
        .. Checkpoints.Open
            .Where(record => record.State == CheckpointState.Saving)
            .Select(record => new PendingDeadline(record.Checkpoint, record.DeadlineAt))
            .OrderBy(deadline => deadline.At),
    ];

    /// <summary>How a checkpoint stands of which the store has objects but no manifest.</summary>
    public SaveStanding StandingOf(CheckpointId checkpoint) => SweepDecisions.StandingOf(this, checkpoint);

    /// <summary>
    /// The manifest of a checkpoint that is committing (or committed, and still kept in detail): the same value, so the
    /// same bytes, however often it is built, before and after a restart.
    /// </summary>
    /// <param name="checkpoint">Which.</param>
    /// <param name="chunkBytes">Chunk length, from the indices (the one thing that shard reports don't say).</param>
    public Manifest BuildManifest(CheckpointId checkpoint, int chunkBytes) =>
        ManifestFacts.Build(this, checkpoint, chunkBytes);

    /// <summary>The image that a rank reported for a checkpoint or snapshot; null if none is known.</summary>
    internal ImageFacts? FindImage(CheckpointId checkpoint, int rank) =>
        Checkpoints.Find(checkpoint)?.Shards?[rank]?.Image ?? Snapshots.Find(checkpoint)?.Images[rank];

    /// <summary>The newest step in the ledger on a lineage, at most <paramref name="atMost"/>; null if none.</summary>
    internal Step? NewestLedgerStep(LineagePath path, Step? atMost = null)
    {
        foreach (var entry in path.Entries.Reverse())
        {
            var last = Math.Min(path.LastStepOf(entry.Attempt), atMost?.Value ?? Step.MaxValue);
            if (Ledger.NewestOf(entry.Attempt, last) is { } newest)
            {
                return newest;
            }
        }

        return null;
    }
}
