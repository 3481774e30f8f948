using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs.Checkpoints;
using Checkpointer.Service.Runs.Commands;
using Checkpointer.Service.Sweeping;
using Checkpointer.Service.Tests.Runs;
using Checkpointer.Storage;

namespace Checkpointer.Service.Tests.Sweeping;

/// <summary>
/// A random history of a run together with what its agents put into a store: packs first, an index only when all packs of
/// the rank are there, which reuses packs of the newest committed checkpoint that its writer knows. Writers that are fenced out
/// go on writing for a while. Objects have ages; a sweep runs in between, and each of its deletions is a step of its own.
/// </summary>
internal sealed class SweepWorld
{
    private readonly Dictionary<ObjectKey, DateTimeOffset> _objects = [];
    private readonly Dictionary<CheckpointId, HashSet<CheckpointId>> _named = [];
    private readonly Queue<ObjectKey> _deletions = new();
    private DateTimeOffset _now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public RandomHistory History { get; } = new();

    public int Deleted { get; private set; }

    private static TimeSpan Grace => TimeSpan.FromMinutes(10);

    public void Play(HistoryOp op)
    {
        _now += TimeSpan.FromMinutes(op.B);
        History.Play(op);
        Write(op);
        if (op.C == 2 && op.A % 2 == 0)
        {
            Plan();
        }

        for (var i = 0; i < op.A % 4 && _deletions.TryDequeue(out var key); i++)
        {
            Delete(key);
        }
    }

    /// <summary>Every committed checkpoint has all that its indices name.</summary>
    public void Check()
    {
        foreach (var committed in Committed())
        {
            Assert.Contains(RepositoryKeys.Index(RunDriver.Run, committed, new Rank(0)), _objects.Keys);
            Assert.All(
                _named[committed],
                named => Assert.True(
                    _objects.ContainsKey(RepositoryKeys.Pack(RunDriver.Run, named, new Rank(0), 0)),
                    $"{committed} names packs of {named}, which are gone"));
        }
    }

    private IEnumerable<CheckpointId> Committed() => History.Run.State.Checkpoints.Records
        .Where(record => record.State == Contracts.Runs.CheckpointState.Committed && _named.ContainsKey(record.Checkpoint))
        .Select(record => record.Checkpoint);

    // What agents do: the ids that the run hears of, and some that it does not; of this attempt, and zombies of older ones.
    private void Write(HistoryOp op)
    {
        var state = History.Run.State;
        if (state.CurrentAttempt is not { } current)
        {
            return;
        }

        foreach (var reported in History.Shards.Select(shard => shard.Checkpoint).Distinct()
            .Where(id => !_named.ContainsKey(id) && !History.Swept.Contains(id)).ToList())
        {
            // A shard that was accepted was durable before it was reported.
            Save(reported, complete: true);
        }

        var attempt = new Attempt(op.A == 5 && current.Value > 1 ? current.Value - 1 : current.Value);
        var save = op.A == 6 && state.Attempts.Current!.ResumedFrom is { } resumed
            ? resumed
            : new CheckpointId(new Step(1 + op.B + (op.A * 2)), attempt);
        if (op.Kind % 3 == 0 && !_named.ContainsKey(save))
        {
            Save(save, complete: op.C == 1);
        }
    }

    private void Save(CheckpointId save, bool complete)
    {
        var state = History.Run.State;
        _objects[RepositoryKeys.Pack(RunDriver.Run, save, new Rank(0), 0)] = _now;
        if (!complete)
        {
            return;
        }

        HashSet<CheckpointId> named = [save];
        if (state.Checkpoints.Committed is { } older && older != save && _named.TryGetValue(older, out var reused))
        {
            named.UnionWith(reused);
        }

        _named[save] = named;
        _objects[RepositoryKeys.Index(RunDriver.Run, save, new Rank(0))] = _now;
    }

    private void Plan()
    {
        var state = History.Run.State;
        if (state.CurrentAttempt is null || History.Run.KeepEvents is not null)
        {
            return;
        }

        var listing = new SaveListing(RunDriver.Run);
        foreach (var (key, at) in _objects)
        {
            listing.Add(new ObjectInfo(key, 1, at));
        }

        foreach (var committed in Committed())
        {
            listing.Add(new ObjectInfo(RepositoryKeys.Manifest(RunDriver.Run, committed), 1, _now));
        }

        _ = History.Run.Accepted(new CondemnFencedSaves());
        var plan = SweepPlanner.Plan(listing, state.StandingOf, _ => false, _now, Grace);
        Assert.Empty(plan.Uncondemned);
        foreach (var folder in plan.Deleted)
        {
            Assert.True(state.StandingOf(folder.Checkpoint) is SaveStanding.Abandoned or SaveStanding.Condemned);
            History.Swept.Add(folder.Checkpoint);
            folder.Indices.Concat(folder.Packs).Select(found => found.Key).ToList().ForEach(_deletions.Enqueue);
        }
    }

    private void Delete(ObjectKey key)
    {
        if (_objects.Remove(key))
        {
            Deleted++;
        }
    }
}
