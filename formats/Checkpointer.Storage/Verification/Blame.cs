using Checkpointer.Formats.Codecs;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;

namespace Checkpointer.Storage.Verification;

/// <summary>Turns what is wrong with packs into findings of one checkpoint: whose chunks, and which tensors, they hit.</summary>
internal sealed class Blame(CheckpointDescription description, PackLedger ledger)
{
    private readonly Dictionary<(ObjectKey Key, FindingKind Kind), Hit> _hits = [];

    /// <summary>Bytes of chunks that nothing is known of.</summary>
    public long UnreadBytes { get; private set; }

    /// <summary>The findings, one an object and kind.</summary>
    public IEnumerable<ObjectFinding> Find()
    {
        for (var rank = 0; rank < description.Indices.Length; rank++)
        {
            if (description.Indices[rank] is not { } index)
            {
                continue;
            }

            PackRecord[] records = [.. index.Packs.Select(ledger.RecordOf)];
            foreach (var faulty in records.Where(record => record.Fault is not null))
            {
                _ = HitOf(faulty, faulty.Fault!.Value.Kind).Ranks.Add(new Rank(rank));
            }

            if (!records.Any(record => record.IsFaulty))
            {
                continue;
            }

            for (var chunk = 0; chunk < index.Chunks.Count; chunk++)
            {
                var entry = index.Chunks[chunk];
                if (entry.Codec != CodecId.Elsewhere && records[entry.Pack].FaultOf(ChunkPlace.Of(entry)) is { } kind)
                {
                    Add(HitOf(records[entry.Pack], kind), rank, chunk, index.Geometry.OffsetOf(chunk), entry.StoredBytes);
                    UnreadBytes += kind == FindingKind.Unreadable ? entry.StoredBytes : 0;
                }
            }
        }

        return _hits.Select(pair => pair.Value.ToFinding(pair.Key.Key, pair.Key.Kind));
    }

    private Hit HitOf(PackRecord record, FindingKind kind)
    {
        var key = (ledger.KeyOf(record.Reference), kind);
        if (!_hits.TryGetValue(key, out var hit))
        {
            _hits[key] = hit = new Hit(record);
        }

        return hit;
    }

    private void Add(Hit hit, int rank, int chunk, long offset, int length)
    {
        _ = hit.Ranks.Add(new Rank(rank));
        hit.Chunks++;
        hit.Bytes += length;
        hit.First ??= $"chunk {chunk} of rank {rank}";
        if (description.LayoutOf(rank) is { } layout)
        {
            hit.Tensors.UnionWith(TensorsIn(layout, offset, offset + length));
        }
    }

    // Behind the stored prefix the last chunk may reach into tensors that are restored from other ranks.
    private static IEnumerable<string> TensorsIn(Layout layout, long begin, long end)
    {
        var (low, high) = (0, layout.Tensors.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = layout.Tensors[middle].End <= begin ? (middle + 1, high) : (low, middle);
        }

        for (var i = low; i < layout.Tensors.Count && layout.Tensors[i].Begin < end; i++)
        {
            if (layout.Tensors[i] is { Stored: true, SizeBytes: > 0 } tensor)
            {
                yield return tensor.Name;
            }
        }
    }

    private sealed class Hit(PackRecord record)
    {
        public SortedSet<Rank> Ranks { get; } = [];

        public SortedSet<string> Tensors { get; } = new(StringComparer.Ordinal);

        public int Chunks { get; set; }

        public long Bytes { get; set; }

        public string? First { get; set; }

        public ObjectFinding ToFinding(ObjectKey key, FindingKind kind) => new()
        {
            Kind = kind,
            Key = key,
            Detail = Describe(kind),
            Ranks = [.. Ranks],
            Tensors = [.. Tensors.Take(ObjectFinding.MaxNamedTensors)],
            TensorCount = Tensors.Count,
            Bytes = Bytes,
        };

        private string Describe(FindingKind kind)
        {
            var whole = record.Fault is { } fault && fault.Kind == kind ? fault.Detail : null;
            if (Chunks == 0)
            {
                return $"{whole}; the chunks in it are whole";
            }

            if (whole is not null && kind != FindingKind.Corrupt)
            {
                return whole;
            }

            var chunks = kind switch
            {
                FindingKind.Corrupt => $"has {Count()} that {(Chunks == 1 ? "is" : "are")} not what was sealed (first {First})",
                FindingKind.Missing => $"went while it was being read, and {Count()} with it (first {First})",
                _ => $"has {Count()} that could not be read (first {First}): {record.Trouble}",
            };
            return whole is null ? chunks : $"{whole}; {chunks}";
        }

        private string Count() => Chunks == 1 ? "1 chunk" : $"{Chunks} chunks";
    }
}
