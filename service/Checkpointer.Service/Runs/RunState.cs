using Checkpointer.Contracts.Agents;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Manifests;
using Checkpointer.Service.Runs.Commands;
using Checkpointer.Service.Runs.Events;

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
    public bool Exists => throw new NotImplementedException();

    /// <summary>The current attempt; null before the first grant.</summary>
    public Attempt? CurrentAttempt => throw new NotImplementedException();

    /// <summary>What <paramref name="command"/> comes to at <paramref name="now"/> (any offset). Changes nothing.</summary>
    public Decision<TAnswer> Decide<TAnswer>(RunCommand<TAnswer> command, DateTimeOffset now)
        where TAnswer : class => command.Decide(this, now.ToUniversalTime());

    /// <summary>Makes it so. Throws <see cref="Formats.Errors.InvariantViolationException"/> on an event that can't have been decided.</summary>
    public void Apply(RunEvent happened) => throw new NotImplementedException();

    /// <summary>The whole state as data, for <see cref="SavedRunCodec"/>; shares nothing that changes.</summary>
    public SavedRun ToSnapshot() => throw new NotImplementedException();

    /// <summary>The state that <see cref="ToSnapshot"/> was taken of.</summary>
    public static RunState FromSnapshot(SavedRun saved, RunOptions options) => throw new NotImplementedException();

    /// <summary>The run at a glance.</summary>
    public RunSummary Summarise() => throw new NotImplementedException();

    /// <summary>What agents must know of it; null before the first grant.</summary>
    public RunProgress? Progress => throw new NotImplementedException();

    /// <summary>The plan of the current attempt, the same instance until the next grant; null before the first.</summary>
    public RecoveryPlan? CurrentPlan => throw new NotImplementedException();

    /// <summary>One attempt (also the record stored beside the checkpoints); null if there is none such.</summary>
    public AttemptSummary? FindAttempt(Attempt attempt) => throw new NotImplementedException();

    /// <summary>One checkpoint; null if there is none such.</summary>
    public CheckpointSummary? FindCheckpoint(CheckpointId checkpoint) => throw new NotImplementedException();

    /// <summary>
    /// Attempts, oldest first. All pages: <paramref name="after"/> is the <see cref="Page{T}.Next"/> of the page before, or
    /// null; at most <paramref name="limit"/> elements, which is cut to 1 to <see cref="RunLimits.MaxPageSize"/>. Throws
    /// <see cref="Formats.Errors.CheckpointerException"/> (<c>invalid_request</c>) on another <paramref name="after"/>.
    /// </summary>
    public Page<AttemptSummary> ListAttempts(string? after, int limit) => throw new NotImplementedException();

    /// <summary>Checkpoints, by step, then attempt. Pages as in <see cref="ListAttempts"/>.</summary>
    public Page<CheckpointSummary> ListCheckpoints(string? after, int limit) => throw new NotImplementedException();

    /// <summary>The ledger, in the order in which it was written. Pages as in <see cref="ListAttempts"/>.</summary>
    public Page<LedgerEntry> ListLedger(string? after, int limit) => throw new NotImplementedException();

    /// <summary>Incidents, oldest first. Pages as in <see cref="ListAttempts"/>.</summary>
    public Page<Incident> ListIncidents(string? after, int limit) => throw new NotImplementedException();

    /// <summary>Checkpoints in state committing, oldest first: for each, check and write the manifest, then <see cref="CompleteCommit"/> or <see cref="RejectCommit"/>.</summary>
    public IReadOnlyList<CheckpointId> PendingCommits => throw new NotImplementedException();

    /// <summary>Checkpoints in state saving and when to send <see cref="PassDeadline"/> for each, earliest first.</summary>
    public IReadOnlyList<PendingDeadline> PendingDeadlines => throw new NotImplementedException();

    /// <summary>
    /// The manifest of a checkpoint that is committing (or committed, and still kept in detail): the same value, so the
    /// same bytes, however often it is built, before and after a restart.
    /// </summary>
    /// <param name="checkpoint">Which.</param>
    /// <param name="chunkBytes">Chunk length, from the indices (the one thing that shard reports don't say).</param>
    public Manifest BuildManifest(CheckpointId checkpoint, int chunkBytes) => throw new NotImplementedException();
}
