using Checkpointer.Formats.Identity;

namespace Checkpointer.Service.Runs.Events;

/// <summary>
/// A rank has come up and waits at the barrier. Another incarnation than the pending one replaces it; a rank that joins
/// again replaces what it said before.
/// </summary>
internal sealed record RankJoined : RunEvent
{
    /// <summary>The incarnation.</summary>
    public required string Incarnation { get; init; }

    /// <summary>The rank.</summary>
    public required Rank Rank { get; init; }

    /// <summary>Number of ranks of the incarnation.</summary>
    public required int WorldSize { get; init; }

    /// <summary>The node that it came up on.</summary>
    public required string Node { get; init; }

    /// <summary>The agent process of that node.</summary>
    public required string Instance { get; init; }

    /// <summary>That agent's address.</summary>
    public required string Address { get; init; }

    /// <summary>
    /// What that agent holds of this run, by checkpoint, then rank; null if a join of the same incarnation from the
    /// same node said the same already.
    /// </summary>
    public IReadOnlyList<HeldImage>? Holdings { get; init; }
}
