namespace Checkpointer.Agent.Restoring;

/// <summary>Neighbouring chunks of an image.</summary>
/// <param name="First">The first.</param>
/// <param name="Count">How many, at least one.</param>
internal readonly record struct ChunkRun(int First, int Count)
{
    /// <summary>Each of its chunks alone.</summary>
    public IEnumerable<ChunkRun> Singles() => Enumerable.Range(First, Count).Select(chunk => new ChunkRun(chunk, 1));

    /// <summary>Cut where <paramref name="predicate"/> changes its answer; in order.</summary>
    public IEnumerable<(ChunkRun Run, bool Matches)> Split(Func<int, bool> predicate)
    {
        var start = First;
        var matches = predicate(First);
        for (var chunk = First + 1; chunk < First + Count; chunk++)
        {
            if (predicate(chunk) != matches)
            {
                yield return (new ChunkRun(start, chunk - start), matches);
                (start, matches) = (chunk, !matches);
            }
        }

        yield return (new ChunkRun(start, First + Count - start), matches);
    }
}
