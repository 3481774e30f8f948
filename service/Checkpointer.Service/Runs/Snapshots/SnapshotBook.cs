using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs.Events;

namespace Checkpointer.Service.Runs.Snapshots;

/// <summary>
/// The snapshots that still matter: of the current attempt, the newest global one and those after it; any whose checkpoint
/// is still being saved; and the one that the attempt resumed from. All others have been given up or outlived.
/// </summary>
internal sealed class SnapshotBook
{
    private readonly SortedDictionary<CheckpointId, SnapshotRecord> _records = [];
    private readonly List<CheckpointId> _givenUp = [];

    /// <summary>Newest snapshot of the current lineage that every rank holds; null if none.</summary>
    public CheckpointId? GloballySealed { get; private set; }

    /// <summary>Given up, in the order in which they were; the newest <see cref="RunLimits.MaxGivenUp"/>.</summary>
    public IReadOnlyList<CheckpointId> GivenUp => _givenUp;

    /// <summary>The newest step of the current attempt that was given up and has left <see cref="GivenUp"/>; null if none has.</summary>
    public CheckpointId? NewestForgotten { get; private set; }

    /// <summary>
    /// Up to this step everything newer than <see cref="GloballySealed"/> is given up, listed or not; null if the list has
    /// all. Stops short of snapshots that may still become global.
    /// </summary>
    public Step? GivenUpThrough
    {
        get
        {
            var waiting = _records.Values.FirstOrDefault(
                record => !record.IsGlobal && record.Checkpoint.Attempt == NewestForgotten?.Attempt);
            return waiting is not null && waiting.Checkpoint.Step <= NewestForgotten?.Step
                ? new Step(waiting.Checkpoint.Step.Value - 1)
                : NewestForgotten?.Step;
        }
    }

    /// <summary>The snapshots, by step.</summary>
    public IReadOnlyCollection<SnapshotRecord> Records => _records.Values;

    /// <summary>One snapshot; null if it is not, or no longer, of interest.</summary>
    public SnapshotRecord? Find(CheckpointId snapshot) => _records.GetValueOrDefault(snapshot);

    /// <summary>Whether <paramref name="snapshot"/> was given up; agents may have let go of it then.</summary>
    public bool IsGivenUp(CheckpointId snapshot) => _givenUp.Contains(snapshot)
        || (NewestForgotten is { } newest && snapshot.Attempt == newest.Attempt && snapshot.Step <= newest.Step
            && !(snapshot.Step <= GloballySealed?.Step) && !_records.ContainsKey(snapshot));

    /// <summary>Takes the book that was read.</summary>
    public void Load(
        CheckpointId? globallySealed,
        IEnumerable<CheckpointId> givenUp,
        CheckpointId? newestForgotten,
        IEnumerable<SnapshotRecord> records)
    {
        (GloballySealed, NewestForgotten) = (globallySealed, newestForgotten);
        _givenUp.AddRange(givenUp);
        foreach (var record in records)
        {
            _records.Add(record.Checkpoint, record.Copy());
        }
    }

    /// <summary>Keeps that a rank has sealed its image.</summary>
    public SnapshotRecord Seal(SnapshotSealed sealing, int worldSize)
    {
        if (!_records.TryGetValue(sealing.Checkpoint, out var record))
        {
            record = new SnapshotRecord
            {
                Checkpoint = sealing.Checkpoint,
                Images = new ImageFacts?[worldSize],
                NonFiniteRanks = [],
            };
            _records.Add(sealing.Checkpoint, record);
        }

        Invariant.Holds(record.Images[sealing.Rank.Value] is null);
        record.Images[sealing.Rank.Value] = ImageFacts.Of(sealing.Image);
        record.SealedRanks++;
        record.DataCursor ??= sealing.DataCursor;
        record.ImageBytes += sealing.Image.ImageBytes;
        if (!IsFinite(sealing.Image) && record.NonFiniteRanks.Count < RunLimits.MaxNamedRanks)
        {
            record.NonFiniteRanks.Add(sealing.Rank);
        }

        if (record.IsGlobal && (GloballySealed is not { } newest || newest.Step < record.Checkpoint.Step))
        {
            GloballySealed = record.Checkpoint;
        }

        return record;
    }

    /// <summary>Gives a step up.</summary>
    public void GiveUp(CheckpointId snapshot)
    {
        Invariant.Holds(GloballySealed != snapshot);
        _records.Remove(snapshot);
        Remember(snapshot);
    }

    /// <summary>
    /// Begins an attempt: gives up all snapshots but the one that it resumes from, which is global again if the memory of
    /// the agents that joined holds all of it (<paramref name="images"/>, by rank; null if it does not).
    /// </summary>
    public void BeginAttempt(CheckpointId? resumeFrom, IReadOnlyList<ImageSources>? images)
    {
        NewestForgotten = null;
        if (resumeFrom is { } wanted)
        {
            // A plan may come back to what the grant gave up.
            _ = _givenUp.Remove(wanted);
        }

        foreach (var snapshot in _records.Keys.Where(id => id != resumeFrom).ToList())
        {
            _records.Remove(snapshot);
            Remember(snapshot);
        }

        GloballySealed = images is null ? null : resumeFrom;
        if (resumeFrom is { } resumed && images is not null)
        {
            var known = Find(resumed);
            _records[resumed] = new SnapshotRecord
            {
                Checkpoint = resumed,
                Images = [.. images.Select((image, rank) => known?.Images[rank] ?? FactsOf(image))],
                SealedRanks = images.Count,
                ImageBytes = images.Sum(image => image.ImageBytes),
                NonFiniteRanks = known?.NonFiniteRanks ?? [],
            };
        }
    }

    /// <summary>Lets go of snapshots older than the newest global one, but for those that <paramref name="isNeeded"/>.</summary>
    public void Prune(Func<CheckpointId, bool> isNeeded)
    {
        if (GloballySealed is not { } newest)
        {
            return;
        }

        foreach (var snapshot in _records.Keys.TakeWhile(id => id.Step < newest.Step).Where(id => !isNeeded(id)).ToList())
        {
            _records.Remove(snapshot);
        }
    }

    /// <summary>Whether an image has neither NaN nor infinite values.</summary>
    public static bool IsFinite(SealedImage image) => image.NanCount == 0 && image.InfCount == 0;

    private static ImageFacts FactsOf(ImageSources image) =>
        new() { Layout = image.Layout, ImageBytes = image.ImageBytes, Root = image.Root };

    private void Remember(CheckpointId snapshot)
    {
        if (_givenUp.Contains(snapshot))
        {
            return;
        }

        _givenUp.Add(snapshot);
        if (_givenUp.Count > RunLimits.MaxGivenUp)
        {
            Forget(_givenUp[0]);
            _givenUp.RemoveAt(0);
        }
    }

    // An older attempt's needs no memory: all that it took is stale.
    private void Forget(CheckpointId snapshot)
    {
        if (snapshot.Attempt == _givenUp[^1].Attempt && !(snapshot.Step <= NewestForgotten?.Step))
        {
            NewestForgotten = snapshot;
        }
    }
}
