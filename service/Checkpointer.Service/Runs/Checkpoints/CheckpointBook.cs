using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs.Lineage;

namespace Checkpointer.Service.Runs.Checkpoints;

/// <summary>A run's checkpoints.</summary>
internal sealed class CheckpointBook
{
    private readonly SortedList<CheckpointId, CheckpointRecord> _records = [];

    // Where a rollback is to go; its shards must be known at the next grant.
    private CheckpointId? _kept;

    // The keys of those that are saving or committing, and of the committed ones that still have their shards.
    private readonly SortedSet<CheckpointId> _open = [];
    private readonly SortedSet<CheckpointId> _detailed = [];

    private readonly SortedList<Attempt, Step> _forgotten = [];

    /// <summary>How many were ever committed.</summary>
    public int CommittedCount { get; private set; }

    /// <summary>Newest committed checkpoint of the current lineage; null if none.</summary>
    public CheckpointId? Committed { get; private set; }

    /// <summary>What is never begun any more; null before the first sweep that needed it.</summary>
    public Condemnation? Condemned { get; private set; }

    /// <summary>
    /// Of each attempt the newest abandoned checkpoint that is no longer kept, oldest attempt first; without those that
    /// <see cref="Condemned"/> covers. At most <see cref="RunLimits.MaxForgottenAttempts"/>: the newest attempts.
    /// </summary>
    public IEnumerable<CheckpointId> Forgotten => _forgotten.Select(entry => new CheckpointId(entry.Value, entry.Key));

    /// <summary>All that are kept, by step, then attempt.</summary>
    public IList<CheckpointRecord> Records => _records.Values;

    /// <summary>Those that are saving or committing, by step, then attempt.</summary>
    public IEnumerable<CheckpointRecord> Open => _open.Select(id => _records[id]);

    /// <summary>Committed ones whose shards are known, newest first.</summary>
    public IEnumerable<CheckpointRecord> Restorable => _detailed.Reverse().Select(id => _records[id]);

    /// <summary>How many are saving or committing.</summary>
    public int OpenCount => _open.Count;

    /// <summary>One checkpoint; null if there is none such, or it is no longer kept.</summary>
    public CheckpointRecord? Find(CheckpointId checkpoint) => _records.GetValueOrDefault(checkpoint);

    /// <summary>
    /// Whether <paramref name="checkpoint"/>, which is not in the book, must not be begun: it is condemned, or so old that it was
    /// abandoned and forgotten. What lies in the store of it may be deleted at any time.
    /// </summary>
    public bool IsClosed(CheckpointId checkpoint) => Condemned?.Covers(checkpoint) == true
        || (_forgotten.TryGetValue(checkpoint.Attempt, out var newest) && checkpoint.Step <= newest);

    /// <summary>Closes what <paramref name="condemned"/> covers for good.</summary>
    public void Condemn(Condemnation condemned)
    {
        Invariant.Holds(Condemned is null || condemned.Through >= Condemned.Through);
        Condemned = condemned;
        foreach (var covered in Forgotten.Where(IsSaidByCondemned).ToList())
        {
            _ = _forgotten.Remove(covered.Attempt);
        }
    }

    /// <summary>Takes the book that was read; <paramref name="path"/> is the current lineage.</summary>
    public void Load(
        int committedCount,
        Condemnation? condemned,
        IEnumerable<CheckpointId> forgotten,
        IEnumerable<CheckpointRecord> records,
        LineagePath path)
    {
        (CommittedCount, Condemned) = (committedCount, condemned);
        foreach (var checkpoint in forgotten)
        {
            _forgotten.Add(checkpoint.Attempt, checkpoint.Step);
        }

        foreach (var record in records.Select(record => record.Copy()))
        {
            _records.Add(record.Checkpoint, record);
            if (record.State is CheckpointState.Saving or CheckpointState.Committing)
            {
                _open.Add(record.Checkpoint);
            }
            else if (record is { State: CheckpointState.Committed, Shards: not null })
            {
                _detailed.Add(record.Checkpoint);
            }
        }

        FollowLineage(path);
    }

    /// <summary>Begins to save a checkpoint.</summary>
    public CheckpointRecord Begin(CheckpointId checkpoint, int worldSize, DateTimeOffset at, DateTimeOffset deadlineAt)
    {
        Invariant.Holds(!IsClosed(checkpoint));
        var record = new CheckpointRecord
        {
            Checkpoint = checkpoint,
            WorldSize = worldSize,
            StartedAt = at,
            DeadlineAt = deadlineAt,
            Shards = new StoredShard?[worldSize],
        };
        _records.Add(checkpoint, record);
        _open.Add(checkpoint);
        return record;
    }

    /// <summary>Keeps a durable shard; <paramref name="lineage"/> is the checkpoint's own.</summary>
    public void Store(CheckpointRecord record, Rank rank, StoredShard shard, DateTimeOffset at, Func<LineagePath> lineage)
    {
        Invariant.Holds(record.State == CheckpointState.Saving && record.Shards![rank.Value] is null);
        record.Shards[rank.Value] = shard;
        record.DurableShards++;
        record.StoredBytes += shard.StoredBytes;
        record.NonFinite |= shard.Image.NanCount > 0 || shard.Image.InfCount > 0;
        if (record.DurableShards < record.WorldSize)
        {
            return;
        }

        record.Move(CheckpointTrigger.AllShardsDurable);
        record.CompletedAt = at;
        record.ImageBytes = record.Shards.Sum(stored => stored!.Image.ImageBytes);
        record.Parent = NewestCommitted(lineage(), before: record.Checkpoint.Step);
    }

    /// <summary>A committing checkpoint's manifest exists.</summary>
    public void Commit(CheckpointRecord record, DateTimeOffset at, LineagePath path)
    {
        record.Move(CheckpointTrigger.ManifestExists);
        record.EndedAt = at;
        CommittedCount++;
        _open.Remove(record.Checkpoint);
        _detailed.Add(record.Checkpoint);
        if (path.Contains(record.Checkpoint) && (Committed is not { } newest || newest.Step < record.Checkpoint.Step))
        {
            Committed = record.Checkpoint;
        }

        while (_detailed.Count > RunLimits.MaxDetailedCheckpoints)
        {
            // What only another lineage could resume from goes first.
            var evictable = _detailed.Where(id => id != Committed && id != _kept).ToList();
            var oldest = evictable.Find(id => !path.Contains(id)) is { Attempt.Value: > 0 } offLineage ? offLineage : evictable[0];
            _records[oldest].Shards = null;
            _detailed.Remove(oldest);
        }

        Trim(CheckpointState.Committed, RunLimits.MaxCommittedCheckpoints);
    }

    /// <summary>A checkpoint will never be committed.</summary>
    public void Abandon(
        CheckpointRecord record, CheckpointTrigger trigger, string reason, IReadOnlyList<Rank> blamed, DateTimeOffset at)
    {
        record.Move(trigger);
        record.EndedAt = at;
        record.Reason = reason;
        record.Blamed = blamed;
        record.Shards = null;
        _open.Remove(record.Checkpoint);
        Trim(CheckpointState.Abandoned, RunLimits.MaxAbandonedCheckpoints);
    }

    /// <summary>A committed checkpoint was verified; findings are kept of the newest verifications that have any.</summary>
    public void KeepVerification(CheckpointRecord record, DateTimeOffset at, VerificationReport report)
    {
        Invariant.Holds(record.State == CheckpointState.Committed);
        record.Verification = new Verification { At = at, Report = report };
        if (report.Findings.Count == 0)
        {
            return;
        }

        var detailed = _records.Values.Where(kept => kept.Verification is { Report.Findings.Count: > 0 }).ToList();
        if (detailed.Count > RunLimits.MaxDetailedVerifications)
        {
            var oldest = detailed.MinBy(kept => (kept.Verification!.At, kept.Checkpoint))!;
            oldest.Verification = oldest.Verification! with { Report = oldest.Verification.Report with { Findings = [] } };
        }
    }

    /// <summary>Keeps one checkpoint's shards and record, whatever is committed after it, until the next call.</summary>
    public void Keep(CheckpointId? checkpoint) => _kept = checkpoint;

    /// <summary>Knows a committed checkpoint's shards again, which it had forgotten.</summary>
    public void Recall(CheckpointId checkpoint, IReadOnlyList<StoredShard> shards)
    {
        var record = _records[checkpoint];
        Invariant.Holds(record is { State: CheckpointState.Committed, Shards: null } && shards.Count == record.WorldSize);
        record.Shards = [.. shards];
        _detailed.Add(checkpoint);
    }

    /// <summary>The current lineage is now <paramref name="path"/>.</summary>
    public void FollowLineage(LineagePath path) => Committed = NewestCommitted(path, before: null);

    /// <summary>Checkpoints after <paramref name="after"/>, by step, then attempt.</summary>
    public IEnumerable<CheckpointRecord> After(CheckpointId? after)
    {
        var (low, high) = (0, after is null ? 0 : _records.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = _records.Keys[middle] <= after ? (middle + 1, high) : (low, middle);
        }

        return Enumerable.Range(low, _records.Count - low).Select(index => _records.Values[index]);
    }

    private CheckpointId? NewestCommitted(LineagePath path, Step? before)
    {
        for (var i = _records.Count - 1; i >= 0; i--)
        {
            var record = _records.Values[i];
            if (record.State == CheckpointState.Committed
                && (before is null || record.Checkpoint.Step < before)
                && path.Contains(record.Checkpoint))
            {
                return record.Checkpoint;
            }
        }

        return null;
    }

    // Rare: only beyond the limit.
    private void Trim(CheckpointState state, int limit)
    {
        if (_records.Count <= limit || _records.Values.Count(record => record.State == state) <= limit)
        {
            return;
        }

        var oldest = _records.Values
            .Where(record => record.State == state && record.Checkpoint != Committed && record.Checkpoint != _kept)
            .MinBy(record => (record.EndedAt, record.Checkpoint))!;
        _records.Remove(oldest.Checkpoint);
        _detailed.Remove(oldest.Checkpoint);
        if (state == CheckpointState.Abandoned)
        {
            Forget(oldest.Checkpoint);
        }
    }

    private void Forget(CheckpointId abandoned)
    {
        if (IsSaidByCondemned(abandoned)
            || (_forgotten.TryGetValue(abandoned.Attempt, out var newest) && newest >= abandoned.Step))
        {
            return;
        }

        _forgotten[abandoned.Attempt] = abandoned.Step;
        if (_forgotten.Count > RunLimits.MaxForgottenAttempts)
        {
            _forgotten.RemoveAt(0);
        }
    }

    // All that the entry would close: what an attempt resumed from is the one hole in what is condemned.
    private bool IsSaidByCondemned(CheckpointId newest) => Condemned is { } condemned
        && newest.Attempt <= condemned.Through
        && !(condemned.Except is { } except && except.Attempt == newest.Attempt && except.Step <= newest.Step);
}
