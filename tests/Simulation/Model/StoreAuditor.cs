using System.Security.Cryptography;
using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Codecs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Indices;
using Checkpointer.Formats.Layouts;
using Checkpointer.Formats.Manifests;
using Checkpointer.Simulation.Scheduling;
using Checkpointer.Storage;

namespace Checkpointer.Simulation.Model;

/// <summary>
/// Invariants 1, 2, 4 and 5 of what is in the store: a checkpoint that becomes visible is read whole, by the format's page
/// alone, and compared with what the ranks trained; nothing that a visible checkpoint names is changed or deleted after that.
/// </summary>
internal sealed class StoreAuditor
{
    private readonly World _world;
    private readonly ReferenceModel _model;
    private readonly RunAuditor _run;
    private readonly SortedDictionary<CheckpointId, Manifest> _visible = [];
    private readonly HashSet<string> _needed = new(StringComparer.Ordinal);

    public StoreAuditor(World world, ReferenceModel model, RunAuditor run)
    {
        (_world, _model, _run) = (world, model, run);
        world.Bucket.Changing = Changing;
    }

    public IReadOnlyList<CheckpointId> Visible => [.. _visible.Keys];

    public long Checked { get; private set; }

    /// <summary>Reads every visible checkpoint again.</summary>
    public void CheckAll()
    {
        foreach (var manifest in _visible.Values)
        {
            Check(manifest, _ => { });
        }
    }

    private void Changing(string key, byte[]? before, byte[]? after)
    {
        if (_needed.Contains(key) && (after is null || !after.AsSpan().SequenceEqual(before)) && !_world.Bucket.IsRotten(key))
        {
            throw new SimulationException("needed", $"'{key}', which a visible checkpoint needs, is {(after is null ? "deleted" : "changed")}.");
        }

        if (key.EndsWith("/MANIFEST.json", StringComparison.Ordinal) && before is null && after is not null)
        {
            Appear(key, after);
        }
    }

    private void Appear(string key, byte[] bytes)
    {
        var manifest = Manifest.Parse(bytes);
        if (RepositoryKeys.Manifest(World.Run, manifest.Checkpoint).Value != key)
        {
            throw new SimulationException("one-step", $"'{key}' is the manifest of {manifest.Checkpoint}.");
        }

        _run.Appear(manifest);
        Check(manifest, needed => _needed.Add(needed));
        _needed.Add(key);
        _visible.Add(manifest.Checkpoint, manifest);
        _world.Count("checkpoints committed");
    }

    private void Check(Manifest manifest, Action<string> need)
    {
        Checked++;
        var checkpoint = manifest.Checkpoint;
        if (_model.StateOf(checkpoint) is not { } state)
        {
            throw new SimulationException("visible", $"Checkpoint {checkpoint} is visible, and no rank ever saved it.");
        }

        if (manifest.Shards.Count != _world.Plan.WorldSize)
        {
            throw new SimulationException("visible", $"Checkpoint {checkpoint} has {manifest.Shards.Count} shards of {_world.Plan.WorldSize}.");
        }

        foreach (var shard in manifest.Shards)
        {
            try
            {
                Check(manifest, shard, state, need);
            }
            catch (FormatFaultException e)
            {
                throw new SimulationException("visible", $"Checkpoint {checkpoint}, rank {shard.Rank}: {e.Message}");
            }
        }
    }

    private void Check(Manifest manifest, ManifestShard shard, ulong state, Action<string> need)
    {
        var checkpoint = manifest.Checkpoint;
        var indexKey = RepositoryKeys.Index(World.Run, checkpoint, shard.Rank).Value;
        var layoutKey = RepositoryKeys.Layout(World.Run, shard.Layout).Value;
        need(indexKey);
        need(layoutKey);
        if (Read(indexKey, checkpoint) is not { } indexBytes || Read(layoutKey, checkpoint) is not { } layoutBytes)
        {
            return;
        }

        Require(Convert.ToHexStringLower(SHA256.HashData(indexBytes)) == shard.IndexSha256, "visible", checkpoint, shard.Rank, "has another index");
        var index = ShardIndex.Parse(indexBytes);
        var layout = Layout.Parse(layoutBytes);
        Require(index.Checkpoint == checkpoint && index.Rank == shard.Rank, "one-step", checkpoint, shard.Rank, $"has the index of {index.Checkpoint} rank {index.Rank}");
        Require(layout.Digest == _world.Training.LayoutOf(shard.Rank).Digest, "visible", checkpoint, shard.Rank, "has another layout");
        foreach (var pack in index.Packs)
        {
            need(KeyOf(pack));
        }

        var truth = _world.Training.ImageOf(layout, shard.Rank, state);
        for (var chunk = 0; chunk < index.Chunks.Count; chunk++)
        {
            var entry = index.Chunks[chunk];
            if (entry.Codec == CodecId.Elsewhere || Read(KeyOf(index.Packs[entry.Pack]), checkpoint) is not { } pack)
            {
                continue;
            }

            var at = (int)index.Geometry.OffsetOf(chunk);
            var stored = Math.Min(entry.StoredBytes, (int)index.StoredBytes - at);
            Require(
                entry.OffsetBytes + entry.StoredBytes <= pack.Length
                    && ChunkHash.Compute(pack.AsSpan(entry.OffsetBytes, entry.StoredBytes)) == entry.Hash
                    && pack.AsSpan(entry.OffsetBytes, stored).SequenceEqual(truth.AsSpan(at, stored)),
                "visible",
                checkpoint,
                shard.Rank,
                $"has other bytes in chunk {chunk} than were saved");
        }
    }

    private static string KeyOf(PackReference pack) => RepositoryKeys.Pack(World.Run, pack.Checkpoint, pack.Rank, pack.Number).Value;

    // Null if it rotted: that is what verification is for.
    private byte[]? Read(string key, CheckpointId checkpoint) => _world.Bucket.IsRotten(key)
        ? null
        : _world.Bucket.Find(key)?.Bytes ?? throw new SimulationException("visible", $"Checkpoint {checkpoint} needs '{key}', which is not there.");

    private static void Require(bool holds, string rule, CheckpointId checkpoint, Rank rank, string what)
    {
        if (!holds)
        {
            throw new SimulationException(rule, $"Visible checkpoint {checkpoint}, rank {rank} {what}.");
        }
    }
}
