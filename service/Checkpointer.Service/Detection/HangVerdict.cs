namespace Checkpointer.Service.Detection;

/// <summary>That a run hangs.</summary>
/// <param name="Ranks">The ranks that are furthest behind, by rank, at least one.</param>
/// <param name="Evidence">What it is concluded from, for people.</param>
internal sealed record HangVerdict(IReadOnlyList<RankSighting> Ranks, string Evidence);
