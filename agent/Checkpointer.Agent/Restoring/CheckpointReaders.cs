using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;

namespace Checkpointer.Agent.Restoring;

/// <summary>The images that a plan names, each with a reader over its sources. Belongs to one restore. Thread-safe.</summary>
internal sealed class CheckpointReaders : IDisposable
{
    private readonly Dictionary<Rank, ImageReader> _readers = [];
    private readonly int _parallelism;
    private readonly long _bufferBytes;

    /// <summary>
    /// Makes the readers. <paramref name="sourceOf"/> opens what the plan names; storage gets the replicas' owners behind
    /// it, because it has only what each rank stored.
    /// </summary>
    public CheckpointReaders(
        RecoveryPlan plan,
        Func<ImageSources, ImageSource, IImageSource> sourceOf,
        RestoreJournal journal,
        int parallelism,
        long bufferBytes)
    {
        (_parallelism, _bufferBytes) = (parallelism, bufferBytes);
        foreach (var planned in plan.Images)
        {
            var sources = planned.Sources.Select(source => sourceOf(planned, source)).ToList();
            if (planned.Sources.Any(source => source.Tier == Tier.Storage))
            {
                sources.Add(new ReplicaImageSource(this, planned.Rank));
            }

            if (!_readers.TryAdd(planned.Rank, new ImageReader(planned, sources, journal)))
            {
                throw new CheckpointerException(
                    ErrorCode.RestoreImpossible, $"The plan lists two images of rank {planned.Rank}.");
            }
        }
    }

    /// <summary>The reader of that rank's image, or null if the plan has none.</summary>
    public ImageReader? Find(Rank rank) => _readers.GetValueOrDefault(rank);

    /// <summary>The reader of that rank's image.</summary>
    public ImageReader Get(Rank rank) => _readers[rank];

    /// <summary>A copier over these images, with a buffer of its own.</summary>
    public PieceCopier NewCopier() => new(Get, _bufferBytes, _parallelism);

    /// <summary>The layouts of all images.</summary>
    public async Task<IReadOnlyDictionary<Rank, Layout>> ReadLayoutsAsync(CancellationToken cancellationToken)
    {
        var layouts = new Dictionary<Rank, Layout>();
        var gate = new Lock();
        var options = new ParallelOptions { MaxDegreeOfParallelism = _parallelism, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(_readers.Values, options, async (reader, token) =>
        {
            var layout = await reader.ReadLayoutAsync(token);
            lock (gate)
            {
                layouts[reader.Rank] = layout;
            }
        });
        return layouts;
    }

    public void Dispose()
    {
        foreach (var reader in _readers.Values)
        {
            reader.Dispose();
        }
    }
}
