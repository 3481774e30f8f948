using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;

namespace Checkpointer.Agent.Restoring;

/// <summary>
/// One rank's image of the checkpoint that is restored, read from the best source that has the right bytes. Every chunk
/// is checked against the hashes under the plan's root, so a byte that comes out is a byte that was sealed. Thread-safe.
/// </summary>
internal sealed class ImageReader(ImageSources planned, IReadOnlyList<IImageSource> sources, RestoreJournal journal)
    : IDisposable
{
    private readonly SemaphoreSlim _opening = new(1);
    private readonly SourceState[] _states = [.. sources.Select(source => new SourceState(source))];
    private ImageFacts? _facts;
    private Layout? _layout;

    /// <summary>The rank whose image it is.</summary>
    public Rank Rank => planned.Rank;

    /// <summary>What the plan says of it.</summary>
    public ImageSources Planned => planned;

    /// <summary>The facts, once <see cref="OpenAsync"/> has found them.</summary>
    public ImageFacts? Facts => _facts;

    /// <summary>The facts, from the first source whose facts hash to the plan's root.</summary>
    public async Task<ImageFacts> OpenAsync(CancellationToken cancellationToken)
    {
        if (_facts is { } known)
        {
            return known;
        }

        await _opening.WaitAsync(cancellationToken);
        try
        {
            foreach (var state in _states.Where(state => state.Source.Kind != SourceKind.Replicas))
            {
                _facts ??= await TryOpenAsync(state, cancellationToken);
            }
        }
        finally
        {
            _opening.Release();
        }

        return _facts ?? throw Impossible("no source describes it");
    }

    /// <summary>The layout, from the first source that has it.</summary>
    public async Task<Layout> ReadLayoutAsync(CancellationToken cancellationToken)
    {
        if (_layout is { } known)
        {
            return known;
        }

        foreach (var state in _states.Where(state => !state.IsDead && state.Source.Kind != SourceKind.Replicas))
        {
            try
            {
                var layout = await state.Source.ReadLayoutAsync(cancellationToken);
                if (layout.Digest != planned.Layout || layout.ImageBytes != planned.ImageBytes)
                {
                    throw new CheckpointerException(
                        ErrorCode.LayoutInvalid, $"it gave layout {layout.Digest} for {planned.Layout}");
                }

                return _layout = layout;
            }
            catch (CheckpointerException e)
            {
                // A wrong layout says nothing of the bytes, which are checked; a source that does not answer is gone.
                state.IsDead |= e.Code != ErrorCode.LayoutInvalid;
                journal.Fault(planned.Rank, state.Source, e);
            }
        }

        throw Impossible("no source has its layout");
    }

    /// <summary>Fills <paramref name="destination"/> with verified chunks, each from the first source that has it right.</summary>
    public async Task ReadAsync(int first, int count, Memory<byte> destination, CancellationToken cancellationToken)
    {
        var facts = await OpenAsync(cancellationToken);
        var wanted = new ChunkRun(first, count);
        var missing = new List<ChunkRun> { wanted };
        foreach (var state in _states)
        {
            if (missing.Count == 0)
            {
                return;
            }

            var left = new List<ChunkRun>();
            foreach (var run in missing)
            {
                await ReadFromAsync(state, facts, run, destination, first, left, cancellationToken);
            }

            missing = left;
        }

        if (missing.Count > 0)
        {
            throw Impossible($"no source has the right bytes of chunk {missing[0].First}");
        }
    }

    /// <summary>A verified chunk where it lies in this node's memory, or null if it must be read.</summary>
    public async Task<ReadOnlyMemory<byte>?> BorrowAsync(int chunk, CancellationToken cancellationToken)
    {
        var facts = await OpenAsync(cancellationToken);
        foreach (var state in _states.Where(state => !state.IsDead))
        {
            if (state.Source.Borrow(chunk) is { } bytes)
            {
                if (ChunkHash.Compute(bytes.Span) == facts.Hashes[chunk])
                {
                    journal.Read(state.Source.Kind, bytes.Length);
                    return bytes;
                }

                Distrust(state, chunk);
            }
        }

        return null;
    }

    public void Dispose() => _opening.Dispose();

    private async Task ReadFromAsync(
        SourceState state,
        ImageFacts facts,
        ChunkRun run,
        Memory<byte> destination,
        int origin,
        List<ChunkRun> left,
        CancellationToken cancellationToken)
    {
        if (!await EnsureOpenAsync(state, cancellationToken))
        {
            left.Add(run);
            return;
        }

        foreach (var part in run.Split(state.Source.Has))
        {
            if (!part.Matches || state.IsDead)
            {
                left.Add(part.Run);
                continue;
            }

            var memory = Window(facts, origin, part.Run, destination);
            if (await TryReadAsync(state, part.Run, memory, cancellationToken))
            {
                await VerifyAsync(state, facts, part.Run, memory, left, cancellationToken);
            }
            else if (part.Run.Count > 1 && !state.IsDead)
            {
                // One bad pack must not cost the source its good neighbours.
                foreach (var single in part.Run.Singles())
                {
                    await ReadFromAsync(state, facts, single, destination, origin, left, cancellationToken);
                }
            }
            else
            {
                left.Add(part.Run);
            }
        }
    }

    private async Task VerifyAsync(
        SourceState state,
        ImageFacts facts,
        ChunkRun run,
        Memory<byte> memory,
        List<ChunkRun> left,
        CancellationToken cancellationToken)
    {
        var at = 0;
        foreach (var single in run.Singles())
        {
            var bytes = memory.Slice(at, facts.Geometry.LengthOf(single.First));
            var isRight = IsRight(facts, single.First, bytes);
            if (!isRight && state.Source.Kind != SourceKind.LocalMemory)
            {
                // Bytes may go wrong on their way, too: a copy is only distrusted when it is wrong twice.
                isRight = await TryReadAsync(state, single, bytes, cancellationToken) && IsRight(facts, single.First, bytes);
            }

            if (isRight)
            {
                journal.Read(state.Source.Kind, bytes.Length);
            }
            else
            {
                Distrust(state, single.First);
                left.Add(single);
            }

            at += bytes.Length;
        }
    }

    private static bool IsRight(ImageFacts facts, int chunk, ReadOnlyMemory<byte> bytes) =>
        ChunkHash.Compute(bytes.Span) == facts.Hashes[chunk];

    private async Task<bool> TryReadAsync(
        SourceState state, ChunkRun run, Memory<byte> memory, CancellationToken cancellationToken)
    {
        try
        {
            await state.Source.ReadAsync(run.First, run.Count, memory, cancellationToken);
            return true;
        }
        catch (CheckpointerException e)
        {
            // Wrong bytes or a broken pack say nothing of the rest; anything else would only fail again, slowly.
            state.IsDead = e.Code is not (ErrorCode.ChunkCorrupt or ErrorCode.PackCorrupt or ErrorCode.RestoreImpossible);
            if (run.Count == 1 || state.IsDead)
            {
                journal.Fault(planned.Rank, state.Source, e);
            }

            return false;
        }
    }

    private async Task<bool> EnsureOpenAsync(SourceState state, CancellationToken cancellationToken)
    {
        if (state.IsOpen || state.IsDead)
        {
            return !state.IsDead;
        }

        await _opening.WaitAsync(cancellationToken);
        try
        {
            if (!state.IsOpen)
            {
                await TryOpenAsync(state, cancellationToken);
            }

            return state.IsOpen;
        }
        finally
        {
            _opening.Release();
        }
    }

    private async Task<ImageFacts?> TryOpenAsync(SourceState state, CancellationToken cancellationToken)
    {
        if (state.IsDead)
        {
            return null;
        }

        try
        {
            var facts = await state.Source.OpenAsync(cancellationToken);
            facts?.CheckAgainst(planned);
            state.IsOpen = true;
            return facts;
        }
        catch (CheckpointerException e)
        {
            state.IsDead = true;
            journal.Fault(planned.Rank, state.Source, e);
            return null;
        }
    }

    private static Memory<byte> Window(ImageFacts facts, int first, ChunkRun run, Memory<byte> destination)
    {
        var start = facts.Geometry.OffsetOf(run.First) - facts.Geometry.OffsetOf(first);
        var last = run.First + run.Count - 1;
        var end = facts.Geometry.OffsetOf(last) + facts.Geometry.LengthOf(last) - facts.Geometry.OffsetOf(first);
        return destination[(int)start..(int)end];
    }

    private void Distrust(SourceState state, int chunk)
    {
        state.Source.Distrust(chunk);
        journal.Fault(
            planned.Rank,
            state.Source,
            new CheckpointerException(ErrorCode.ChunkCorrupt, $"chunk {chunk} does not hash to what was sealed"));
    }

    private CheckpointerException Impossible(string why)
    {
        journal.RunOut();
        return new CheckpointerException(
            ErrorCode.RestoreImpossible,
            $"The image of rank {planned.Rank} cannot be restored: {why}. "
            + (journal.Faults is { Count: > 0 } faults ? string.Join("; ", faults.Take(4)) : "The plan lists no source for it."));
    }
}
