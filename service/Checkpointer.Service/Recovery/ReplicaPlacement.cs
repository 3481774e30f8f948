using Checkpointer.Contracts.Replicas;

namespace Checkpointer.Service.Recovery;

/// <summary>
/// Which node keeps the copies of which. The nodes of an attempt stand in a ring in which failure domains take turns, so
/// that domains of equal size load every node alike; each copies to the next live node of another domain, or, if there is
/// none, to the next live one. The ring is of all nodes of the attempt, dead ones skipped: when one leaves, only those change
/// that had copied to it. A node that has no live fellow takes a spare, an agent without ranks of the run.
/// </summary>
internal static class ReplicaPlacement
{
    /// <summary>
    /// The peer of each live node of <paramref name="members"/> that can have one. Depends on nothing but the arguments,
    /// whatever their order; node names are unique.
    /// </summary>
    public static IReadOnlyDictionary<string, ReplicaPeer> Place(
        IReadOnlyCollection<ReplicaSeat> members, IReadOnlyCollection<ReplicaSeat> spares)
    {
        var ring = Ring(members);
        var reserve = Ring(spares);
        var peers = new Dictionary<string, ReplicaPeer>(StringComparer.Ordinal);
        for (var at = 0; at < ring.Count; at++)
        {
            var seat = ring[at];
            if (seat.IsAlive && (Next(ring, at + 1, seat) ?? Next(reserve, 0, seat)) is { } peer)
            {
                peers.Add(seat.Node, new ReplicaPeer { Node = peer.Node, Address = peer.Address });
            }
        }

        return peers;
    }

    private static ReplicaSeat? Next(List<ReplicaSeat> ring, int start, ReplicaSeat seat)
    {
        ReplicaSeat? near = null;
        for (var i = 0; i < ring.Count; i++)
        {
            var candidate = ring[(start + i) % ring.Count];
            if (!candidate.IsAlive || candidate.Node == seat.Node)
            {
                continue;
            }

            if (!candidate.SharesFate(seat))
            {
                return candidate;
            }

            near ??= candidate;
        }

        return near;
    }

    private static List<ReplicaSeat> Ring(IEnumerable<ReplicaSeat> seats) =>
    [
        .. seats
            .GroupBy(seat => seat.Domain is null ? (false, seat.Node) : (true, seat.Domain))
            .SelectMany(domain => domain
                .OrderBy(seat => seat.Node, StringComparer.Ordinal)
                .Select((seat, place) => (Seat: seat, Place: place)))
            .OrderBy(placed => placed.Place)
            .ThenBy(placed => placed.Seat.Domain ?? placed.Seat.Node, StringComparer.Ordinal)
            .ThenBy(placed => placed.Seat.Node, StringComparer.Ordinal)
            .Select(placed => placed.Seat),
    ];
}
