using Checkpointer.Service.Recovery;
using CsCheck;

namespace Checkpointer.Service.Tests.Recovery;

/// <summary>What placement promises, on random clusters.</summary>
public sealed class ReplicaPlacementTests
{
    private static readonly Gen<ReplicaSeat[]> Members = Gen.Select(Gen.Int[0, 3], Gen.Bool, Gen.Int[0, 4])
        .Array[1, 12]
        .Select(seats => seats
            .Select((seat, i) => Seat($"node-{i}", seat.Item1 == 0 ? null : $"rack-{seat.Item1}", seat.Item3 > 0))
            .ToArray());

    [Fact]
    public void Peer_IsAliveAndNeverTheNodeItself() => Members.Sample(members =>
    {
        var peers = ReplicaPlacement.Place(members, []);
        foreach (var (node, peer) in peers)
        {
            Assert.NotEqual(node, peer.Node);
            Assert.Contains(members, seat => seat.Node == peer.Node && seat.Address == peer.Address && seat.IsAlive);
        }
    });

    [Fact]
    public void Peer_IsInAnotherDomainIfThereIsOne_AndThereIsOneIfAnyOtherLives() => Members.Sample(members =>
    {
        var peers = ReplicaPlacement.Place(members, []);
        foreach (var seat in members)
        {
            var others = members.Where(other => other.IsAlive && other.Node != seat.Node).ToList();
            Assert.Equal(seat.IsAlive && others.Count > 0, peers.ContainsKey(seat.Node));
            if (peers.TryGetValue(seat.Node, out var peer) && others.Exists(other => !other.SharesFate(seat)))
            {
                Assert.False(members.Single(other => other.Node == peer.Node).SharesFate(seat));
            }
        }
    });

    [Fact]
    public void AgentThatDies_MovesOnlyThoseThatCopiedToIt() => Members.Sample(members =>
    {
        var before = ReplicaPlacement.Place(members, []);
        foreach (var gone in members.Where(seat => seat.IsAlive))
        {
            var after = ReplicaPlacement.Place([.. members.Select(seat => seat == gone ? seat with { IsAlive = false } : seat)], []);
            foreach (var (node, peer) in before.Where(placed => placed.Key != gone.Node && placed.Value.Node != gone.Node))
            {
                Assert.Equal(peer, after[node]);
            }
        }
    });

    [Fact]
    public void Order_OfTheArguments_DoesNotMatter() => Members.Sample(members =>
    {
        var one = ReplicaPlacement.Place(members, []);
        var other = ReplicaPlacement.Place([.. members.Reverse()], []);
        Assert.Equal(one.OrderBy(placed => placed.Key, StringComparer.Ordinal), other.OrderBy(placed => placed.Key, StringComparer.Ordinal));
    });

    [Theory]
    [InlineData(1, 8)]
    [InlineData(2, 4)]
    [InlineData(4, 3)]
    public void DomainsOfEqualSize_LoadEveryNodeAlike(int nodesPerDomain, int domains)
    {
        List<ReplicaSeat> members =
        [
            .. Enumerable.Range(0, nodesPerDomain * domains)
                .Select(i => Seat($"node-{i:00}", $"rack-{i / nodesPerDomain}", isAlive: true)),
        ];
        var load = ReplicaPlacement.Place(members, []).Values.GroupBy(peer => peer.Node).Select(group => group.Count()).ToList();

        Assert.Equal(members.Count, load.Count);
        Assert.All(load, count => Assert.Equal(1, count));
    }

    [Fact]
    public void LonelyNode_TakesASpareOfAnotherDomain()
    {
        var seat = Seat("b", "rack-1", isAlive: true);
        ReplicaSeat[] spares =
        [
            Seat("a", "rack-1", isAlive: true), Seat("c", "rack-2", isAlive: false), Seat("d", "rack-2", isAlive: true),
        ];

        Assert.Equal("d", ReplicaPlacement.Place([seat], spares)["b"].Node);
        Assert.Equal("a", ReplicaPlacement.Place([seat], spares[..2])["b"].Node);
        Assert.Empty(ReplicaPlacement.Place([seat], []));
        Assert.Equal("e", ReplicaPlacement.Place([seat, Seat("e", "rack-1", isAlive: true)], spares)["b"].Node);
    }

    private static ReplicaSeat Seat(string node, string? domain, bool isAlive) => new(node, $"http://{node}:7071", domain, isAlive);
}
