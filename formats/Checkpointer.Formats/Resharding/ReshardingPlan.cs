using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;

namespace Checkpointer.Formats.Resharding;

/// <summary>
/// Which bytes of which ranks' images make a target's image. A same-topology restart, a replicated tensor stored by
/// another rank, and another world altogether are the same question. Immutable and thread-safe.
/// </summary>
public sealed class ReshardingPlan
{
    /// <summary>Most blocks of one plan. A block is one slice's share of another, of any number of rows.</summary>
    public const int MaxPieces = 4_000_000;

    private readonly StridedPiece[] _pieces;

    private ReshardingPlan(StridedPiece[] pieces) => _pieces = pieces;

    /// <summary>
    /// The copies, ascending by target offset, each byte of the target exactly once, neighbours merged where both sides
    /// are contiguous. Made as they are asked for: a slice by columns has a copy a row, so the sequence can be millions
    /// long while the plan stays as small as the number of slices (<see cref="MaxPieces"/>). Enumerate it more than
    /// once at will.
    /// </summary>
    public IEnumerable<ByteCopy> Copies => Merged();

    /// <summary>An upper bound of the number of <see cref="Copies"/>: what it is before merging.</summary>
    public long MaxCopies => _pieces.Sum(piece => piece.Runs);

    /// <summary>
    /// Plans the image of <paramref name="target"/> from images of <paramref name="sources"/>. Elements come from the
    /// target's own rank if it holds them, else from slices that their rank stores, in order of rank.
    /// </summary>
    /// <param name="target">What is wanted.</param>
    /// <param name="targetRank">Who wants it: tensors without placement come from this rank alone.</param>
    /// <param name="sources">What each rank's image holds.</param>
    /// <param name="storedOnly">
    /// False if the target's own old image is at hand whole (in memory); true if only what the ranks stored is (in the
    /// object store), so that the own rank's tensors that others store come from those.
    /// </param>
    /// <exception cref="ReshardingException">Some tensors cannot be made; it names all of them.</exception>
    public static ReshardingPlan Create(
        Layout target, Rank targetRank, IReadOnlyDictionary<Rank, Layout> sources, bool storedOnly = false)
    {
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(sources);
        var planner = new Planner(targetRank, SliceCatalogue.Create(target, targetRank, sources, storedOnly));
        foreach (var tensor in target.Tensors.Where(tensor => tensor.SizeBytes > 0))
        {
            planner.Plan(tensor);
        }

        return new ReshardingPlan(planner.Finish());
    }

    private IEnumerable<ByteCopy> Merged()
    {
        ByteCopy pending = default;
        foreach (var copy in RunsInOrder())
        {
            if (pending.Length > 0 && copy.Source == pending.Source
                && copy.SourceOffset == pending.SourceOffset + pending.Length
                && copy.TargetOffset == pending.TargetOffset + pending.Length)
            {
                pending = pending with { Length = pending.Length + copy.Length };
                continue;
            }

            if (pending.Length > 0)
            {
                yield return pending;
            }

            pending = copy;
        }

        if (pending.Length > 0)
        {
            yield return pending;
        }
    }

    /// <summary>Merges the pieces' own ascending sequences: pieces side by side in a row interleave in the target.</summary>
    private IEnumerable<ByteCopy> RunsInOrder()
    {
        var open = new PriorityQueue<IEnumerator<ByteCopy>, long>();
        var next = 0;
        while (next < _pieces.Length || open.Count > 0)
        {
            while (next < _pieces.Length
                && (!open.TryPeek(out _, out var first) || _pieces[next].TargetOffset <= first))
            {
                var runs = _pieces[next++].Copies().GetEnumerator();
                runs.MoveNext();
                open.Enqueue(runs, runs.Current.TargetOffset);
            }

            var lowest = open.Dequeue();
            yield return lowest.Current;
            if (lowest.MoveNext())
            {
                open.Enqueue(lowest, lowest.Current.TargetOffset);
            }
        }
    }
}
