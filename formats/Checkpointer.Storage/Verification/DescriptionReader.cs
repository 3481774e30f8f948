using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Indices;
using Checkpointer.Formats.Layouts;
using Checkpointer.Formats.Manifests;
using Checkpointer.Formats.Resharding;
using Checkpointer.Storage.Repository;

namespace Checkpointer.Storage.Verification;

/// <summary>
/// Reads manifest, indices and layouts of one checkpoint after the other, and checks that the shards make one whole model.
/// Layouts are kept from one checkpoint to the next, for most have the same. One call at a time.
/// </summary>
internal sealed class DescriptionReader(RunId run, int parallelism, OutageWatch outage)
{
    private const int MaxFaultsNamed = 3;

    private readonly HashSet<string> _coherent = [];
    private IReadOnlyDictionary<string, Layout> _known = new Dictionary<string, Layout>();

    /// <summary>Reads all of it that can be read.</summary>
    public async Task<CheckpointDescription> ReadAsync(StoredCheckpoint stored, CancellationToken cancellationToken)
    {
        var description = new CheckpointDescription(stored.Checkpoint);
        var (manifest, bad) = await TryAsync(
            RepositoryKeys.Manifest(run, stored.Checkpoint), () => stored.ReadManifestAsync(cancellationToken)).ConfigureAwait(false);
        if (manifest is null)
        {
            Add(description, bad);
            return description;
        }

        description.Manifest = manifest;
        await ReadLayoutsAsync(description, manifest, stored, cancellationToken).ConfigureAwait(false);
        await ReadIndicesAsync(description, manifest, stored, cancellationToken).ConfigureAwait(false);
        CheckCoverage(description, manifest);
        _known = description.Layouts;
        return description;
    }

    private async Task ReadLayoutsAsync(
        CheckpointDescription description, Manifest manifest, StoredCheckpoint stored, CancellationToken cancellationToken)
    {
        var layouts = new ConcurrentDictionary<string, Layout>();
        var faults = new ConcurrentDictionary<string, ObjectFinding>();
        await Parallel.ForEachAsync(
            manifest.Shards.Select(shard => shard.Layout).Distinct(),
            Options(cancellationToken),
            async (digest, token) =>
            {
                if (_known.TryGetValue(digest, out var known))
                {
                    layouts[digest] = known;
                    return;
                }

                var (layout, bad) = await TryAsync(
                    RepositoryKeys.Layout(run, digest), () => stored.ReadLayoutAsync(digest, token)).ConfigureAwait(false);
                if (layout is not null)
                {
                    layouts[digest] = layout;
                }
                else if (bad is not null)
                {
                    faults[digest] = bad;
                }
            }).ConfigureAwait(false);
        description.Layouts = layouts;
        foreach (var (digest, bad) in faults)
        {
            var shards = manifest.Shards.Where(shard => shard.Layout == digest).ToList();
            description.Findings.Add(bad with
            {
                Ranks = [.. shards.Select(shard => shard.Rank)],
                Bytes = shards.Sum(shard => shard.StoredBytes),
            });
        }

        foreach (var shard in manifest.Shards)
        {
            if (layouts.TryGetValue(shard.Layout, out var layout)
                && (layout.ImageBytes != shard.ImageBytes || layout.StoredBytes != shard.StoredBytes))
            {
                description.Findings.Add(new ObjectFinding
                {
                    Kind = FindingKind.Corrupt,
                    Key = RepositoryKeys.Layout(run, shard.Layout),
                    Detail = $"describes {layout.ImageBytes} bytes, {layout.StoredBytes} of them stored; the manifest says "
                        + $"{shard.ImageBytes} and {shard.StoredBytes} of rank {shard.Rank}",
                    Ranks = [shard.Rank],
                    Bytes = shard.StoredBytes,
                });
            }
        }
    }

    private async Task ReadIndicesAsync(
        CheckpointDescription description, Manifest manifest, StoredCheckpoint stored, CancellationToken cancellationToken)
    {
        var indices = new ShardIndex?[manifest.Shards.Count];
        var faults = new ObjectFinding?[indices.Length];
        await Parallel.ForAsync(0, indices.Length, Options(cancellationToken), async (rank, token) =>
        {
            var (index, bad) = await TryAsync(
                RepositoryKeys.Index(run, description.Checkpoint, new Rank(rank)),
                async () => (await stored.ReadIndexAsync(new Rank(rank), token).ConfigureAwait(false)).Index).ConfigureAwait(false);
            (indices[rank], faults[rank]) = (index, bad);
        }).ConfigureAwait(false);
        description.Indices = indices;
        for (var rank = 0; rank < indices.Length; rank++)
        {
            if (faults[rank] is { } bad)
            {
                // Without its index nothing of the shard can be found.
                var tensors = description.LayoutOf(rank)?.Tensors.Where(tensor => tensor is { Stored: true, SizeBytes: > 0 })
                    .Select(tensor => tensor.Name).Order(StringComparer.Ordinal).ToList() ?? [];
                description.Findings.Add(bad with
                {
                    Ranks = [new Rank(rank)],
                    Tensors = [.. tensors.Take(ObjectFinding.MaxNamedTensors)],
                    TensorCount = tensors.Count,
                    Bytes = manifest.Shards[rank].StoredBytes,
                });
            }
        }
    }

    private void CheckCoverage(CheckpointDescription description, Manifest manifest)
    {
        if (manifest.Shards.Any(shard => !description.Layouts.ContainsKey(shard.Layout)))
        {
            return; // the missing ones are findings already
        }

        var world = Convert.ToHexString(SHA256.HashData(
            Encoding.ASCII.GetBytes(string.Join('\n', manifest.Shards.Select(shard => shard.Layout)))));
        if (_coherent.Contains(world))
        {
            return;
        }

        var faults = Coverage.Check(manifest.Shards.ToDictionary(shard => shard.Rank, shard => description.Layouts[shard.Layout]));
        if (faults.Count == 0)
        {
            _ = _coherent.Add(world);
            return;
        }

        var named = string.Join("; ", faults.Take(MaxFaultsNamed).Select(fault => $"{fault.Kind} '{fault.Tensor}'"));
        var tensors = faults.Select(fault => fault.Tensor).Distinct().Order(StringComparer.Ordinal).ToList();
        description.Findings.Add(new ObjectFinding
        {
            Kind = FindingKind.Corrupt,
            Key = RepositoryKeys.Manifest(run, description.Checkpoint),
            Detail = "names layouts that do not make one whole model: "
                + $"{named}{(faults.Count > MaxFaultsNamed ? $" and {faults.Count - MaxFaultsNamed} more" : "")}",
            Ranks = [.. faults.SelectMany(fault => fault.Ranks).Distinct().Order()],
            Tensors = [.. tensors.Take(ObjectFinding.MaxNamedTensors)],
            TensorCount = tensors.Count,
        });
    }

    private ParallelOptions Options(CancellationToken cancellationToken) =>
        new() { MaxDegreeOfParallelism = parallelism, CancellationToken = cancellationToken };

    private static void Add(CheckpointDescription description, ObjectFinding? finding)
    {
        if (finding is not null)
        {
            description.Findings.Add(finding);
        }
    }

    /// <summary>The value, or what is wrong with the object.</summary>
    private async Task<(T? Value, ObjectFinding? Bad)> TryAsync<T>(ObjectKey key, Func<Task<T>> readAsync)
        where T : class
    {
        if (outage.Stopped is { } stopped)
        {
            return (null, new ObjectFinding { Kind = FindingKind.Unreadable, Key = key, Detail = $"was not read: {stopped}" });
        }

        try
        {
            var value = await readAsync().ConfigureAwait(false);
            outage.Answered();
            return (value, null);
        }
        catch (CheckpointerException e)
        {
            var finding = ObjectFinding.Of(key, e);
            if (finding.Kind == FindingKind.Unreadable)
            {
                outage.Failed(e);
            }
            else
            {
                outage.Answered();
            }

            return (null, finding);
        }
    }
}
