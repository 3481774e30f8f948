using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Agents;

/// <summary>Who an agent is and what it holds. Sent with every heartbeat and every join.</summary>
public sealed record AgentPresence
{
    /// <summary>The node's name: 1 to 253 of letters, digits, '.', '_' and '-'. Unique among live agents.</summary>
    public required string Node { get; init; }

    /// <summary>A value that differs each time an agent process starts, up to 64 characters.</summary>
    public required string Instance { get; init; }

    /// <summary>Base address at which other agents reach it, such as <c>http://10.0.0.7:7071</c>.</summary>
    public required string Address { get; init; }

    /// <summary>Sealed images in its memory. At most 4,096.</summary>
    public required IReadOnlyList<Holding> Holdings { get; init; }

    /// <summary>
    /// What fails together with it (a rack, a power feed), 1 to 128 characters: copies go to another one if there is another.
    /// Null: its node alone.
    /// </summary>
    public string? Domain { get; init; }

    /// <summary>
    /// Runs that ranks of its node have an attempt of, beside those of its holdings: the answer to a heartbeat tells of these
    /// too. At most 1,024; null: none.
    /// </summary>
    public IReadOnlyList<RunId>? Runs { get; init; }

    /// <summary>The ranks of its node whose trainers are connected now. At most 1,024; null: it does not say (a join).</summary>
    public IReadOnlyList<RankActivity>? Ranks { get; init; }

    /// <summary>
    /// The store that it drains to and restores from. A join with another repository than the service's is refused with
    /// <c>store_mismatch</c>; one that could not be read yet is let in, because memory needs no store.
    /// </summary>
    public AgentStore? Store { get; init; }
}
