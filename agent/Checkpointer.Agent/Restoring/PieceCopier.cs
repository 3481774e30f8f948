using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Resharding;

namespace Checkpointer.Agent.Restoring;

/// <summary>
/// Carries out copies between images of different layouts. Bytes can be checked only by whole chunks, so the copies are
/// taken in windows: as many as need no more source chunks than the buffer holds; those chunks are read and verified side
/// by side, then cut up. Chunks that the next window needs too stay. Memory: <paramref name="bufferBytes"/>, no matter
/// how large or how finely cut the images are.
/// </summary>
internal sealed class PieceCopier(Func<Rank, ImageReader> readers, long bufferBytes, int parallelism)
{
    /// <summary>Most pieces of a window.</summary>
    public const int MaxPieces = 65_536;

    private readonly Dictionary<(Rank Rank, int Chunk), ReadOnlyMemory<byte>> _chunks = [];
    private readonly Dictionary<(Rank Rank, int Chunk), byte[]> _owned = [];
    private readonly Stack<byte[]> _free = new();
    private readonly Lock _gate = new();

    /// <summary>Makes all <paramref name="copies"/>; <paramref name="target"/> gives the memory at an offset.</summary>
    public async Task CopyAsync(
        IEnumerable<ByteCopy> copies, Func<long, int, Memory<byte>> target, CancellationToken cancellationToken)
    {
        var window = new List<Piece>();
        var chunks = new HashSet<(Rank, int)>();
        long bytes = 0;
        foreach (var copy in copies)
        {
            var geometry = (await readers(copy.Source).OpenAsync(cancellationToken)).Geometry;
            for (long done = 0; done < copy.Length;)
            {
                var from = copy.SourceOffset + done;
                var chunk = (int)(from / geometry.ChunkBytes);
                var inside = (int)(from - geometry.OffsetOf(chunk));
                var length = (int)Math.Min(copy.Length - done, geometry.LengthOf(chunk) - inside);
                var isNew = !chunks.Contains((copy.Source, chunk));
                if (window.Count == MaxPieces || (isNew && chunks.Count > 0 && bytes + geometry.ChunkBytes > bufferBytes))
                {
                    await FinishAsync(window, target, cancellationToken);
                    window.Clear();
                    chunks.Clear();
                    bytes = 0;
                    isNew = true;
                }

                if (isNew)
                {
                    chunks.Add((copy.Source, chunk));
                    bytes += geometry.ChunkBytes;
                }

                window.Add(new Piece(copy.Source, chunk, inside, copy.TargetOffset + done, length));
                done += length;
            }
        }

        await FinishAsync(window, target, cancellationToken);
    }

    private async Task FinishAsync(
        List<Piece> window, Func<long, int, Memory<byte>> target, CancellationToken cancellationToken)
    {
        var byChunk = window.GroupBy(piece => (piece.Source, piece.Chunk)).ToList();
        Forget([.. byChunk.Select(group => group.Key)]);
        var options = new ParallelOptions { MaxDegreeOfParallelism = parallelism, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(byChunk, options, async (group, token) =>
        {
            var chunk = await GetAsync(group.Key, token);
            foreach (var piece in group)
            {
                chunk.Slice(piece.Inside, piece.Length).CopyTo(target(piece.TargetOffset, piece.Length));
            }
        });
    }

    private async Task<ReadOnlyMemory<byte>> GetAsync((Rank Rank, int Chunk) key, CancellationToken cancellationToken)
    {
        byte[]? buffer;
        lock (_gate)
        {
            if (_chunks.TryGetValue(key, out var known))
            {
                return known;
            }

            _free.TryPop(out buffer);
        }

        var reader = readers(key.Rank);
        var geometry = (await reader.OpenAsync(cancellationToken)).Geometry;
        if (await reader.BorrowAsync(key.Chunk, cancellationToken) is { } borrowed)
        {
            Keep(key, borrowed, null, buffer);
            return borrowed;
        }

        if (buffer is null || buffer.Length < geometry.ChunkBytes)
        {
            buffer = GC.AllocateUninitializedArray<byte>(geometry.ChunkBytes);
        }

        var memory = buffer.AsMemory(0, geometry.LengthOf(key.Chunk));
        await reader.ReadAsync(key.Chunk, 1, memory, cancellationToken);
        Keep(key, memory, buffer, null);
        return memory;
    }

    private void Keep((Rank, int) key, ReadOnlyMemory<byte> bytes, byte[]? owned, byte[]? free)
    {
        lock (_gate)
        {
            _chunks[key] = bytes;
            if (owned is not null)
            {
                _owned[key] = owned;
            }

            if (free is not null)
            {
                _free.Push(free);
            }
        }
    }

    private void Forget(HashSet<(Rank, int)> needed)
    {
        lock (_gate)
        {
            foreach (var key in _chunks.Keys.Where(key => !needed.Contains(key)).ToList())
            {
                _chunks.Remove(key);
                if (_owned.Remove(key, out var buffer))
                {
                    _free.Push(buffer);
                }
            }

            Invariant.Holds(_owned.Count <= needed.Count);
        }
    }

    private readonly record struct Piece(Rank Source, int Chunk, int Inside, long TargetOffset, int Length);
}
