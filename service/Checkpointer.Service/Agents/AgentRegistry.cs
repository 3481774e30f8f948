using System.Text.RegularExpressions;
using Checkpointer.Contracts.Agents;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Service.Hosting;
using Checkpointer.Service.Recovery;
using Checkpointer.Service.Runs;
using Checkpointer.Service.Stores;

namespace Checkpointer.Service.Agents;

/// <summary>
/// Which agents said something lately, for operators; what an agent holds counts when it joins. Only in memory: agents that
/// live say so again within seconds of a restart. Thread-safe.
/// </summary>
internal sealed partial class AgentRegistry(ServiceOptions options, TimeProvider timeProvider)
{
    /// <summary>Most agents that are remembered; a new one beyond that is <c>limit_exceeded</c>.</summary>
    public const int MaxAgents = 65_536;

    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, Sighting> _seen = new(StringComparer.Ordinal);

    /// <summary>Number of agents that are alive.</summary>
    public int AliveCount
    {
        get
        {
            lock (_gate)
            {
                return _seen.Values.Count(sighting => IsAlive(sighting.At));
            }
        }
    }

    /// <summary>Whether an agent of that node was heard of lately.</summary>
    public bool IsLive(string node)
    {
        lock (_gate)
        {
            return _seen.TryGetValue(node, out var sighting) && IsAlive(sighting.At);
        }
    }

    /// <summary>An agent said who it is and what it holds.</summary>
    public void See(AgentPresence presence)
    {
        Check(presence);
        lock (_gate)
        {
            if (_seen.Count >= MaxAgents && !_seen.ContainsKey(presence.Node))
            {
                foreach (var gone in _seen.Where(agent => !IsAlive(agent.Value.At)).Select(agent => agent.Key).ToList())
                {
                    _ = _seen.Remove(gone);
                }

                if (_seen.Count >= MaxAgents)
                {
                    throw new CheckpointerException(ErrorCode.LimitExceeded, $"There are {MaxAgents} live agents already.");
                }
            }

            // Without the holdings, which are many.
            _seen[presence.Node] = new Sighting(
                presence.Instance, presence.Address, presence.Domain, presence.Store, presence.Holdings.Count, timeProvider.GetTimestamp())
            {
                Ranks = presence.Ranks ?? (_seen.GetValueOrDefault(presence.Node) is { } last && last.Instance == presence.Instance ? last.Ranks : []),
            };
        }
    }

    /// <summary>The agents with ranks in training, as of their last heartbeats, and how long each has been silent.</summary>
    public IReadOnlyList<TrainingNode> InTraining()
    {
        lock (_gate)
        {
            return
            [
                .. _seen.Where(agent => agent.Value.Ranks.Count > 0).Select(agent => new TrainingNode(
                    agent.Key, agent.Value.Instance, agent.Value.Address, timeProvider.GetElapsedTime(agent.Value.At), agent.Value.Ranks)),
            ];
        }
    }

    /// <summary>
    /// The agents as the placement of copies sees them: those of <paramref name="nodes"/> that were ever heard of, and the
    /// live ones beside them.
    /// </summary>
    public (IReadOnlyList<ReplicaSeat> Members, IReadOnlyList<ReplicaSeat> Spares) Seats(IReadOnlySet<string> nodes)
    {
        lock (_gate)
        {
            var seats = _seen.ToLookup(
                agent => nodes.Contains(agent.Key),
                agent => new ReplicaSeat(agent.Key, agent.Value.Address, agent.Value.Domain, IsAlive(agent.Value.At)));
            return ([.. seats[true]], [.. seats[false].Where(seat => seat.IsAlive)]);
        }
    }

    /// <summary>
    /// Agents by node, at most <paramref name="limit"/> after <paramref name="after"/>; each with whether its store is
    /// <paramref name="repository"/>.
    /// </summary>
    public Page<AgentSummary> List(string? after, int limit, string? repository)
    {
        List<AgentSummary> items;
        lock (_gate)
        {
            items =
            [
                .. _seen.Where(agent => string.CompareOrdinal(agent.Key, after) > 0).Take(limit + 1)
                    .Select(agent => Summarise(agent.Key, agent.Value, repository)),
            ];
        }

        return items.Count <= limit
            ? new Page<AgentSummary> { Items = items }
            : new Page<AgentSummary> { Items = items[..limit], Next = items[limit - 1].Node };
    }

    private AgentSummary Summarise(string node, Sighting sighting, string? repository) => new()
    {
        Node = node,
        Instance = sighting.Instance,
        Address = sighting.Address,
        SilentSeconds = timeProvider.GetElapsedTime(sighting.At).TotalSeconds,
        Alive = IsAlive(sighting.At),
        Holdings = sighting.Holdings,
        Store = sighting.Store,
        StoreMatches = StoreMatch.Matches(sighting.Store, repository),
    };

    private static void Check(AgentPresence presence)
    {
        Require(
            presence.Node.Length <= RunLimits.MaxNodeLength && NodeName().IsMatch(presence.Node),
            $"node must be 1 to {RunLimits.MaxNodeLength} of letters, digits, '.', '_' and '-'.");
        Require(
            presence.Instance.Length is > 0 and <= RunLimits.MaxInstanceLength,
            $"instance must have 1 to {RunLimits.MaxInstanceLength} characters.");
        Require(
            presence.Address.Length <= RunLimits.MaxAddressLength
                && Uri.TryCreate(presence.Address, UriKind.Absolute, out var address)
                && (address.Scheme == Uri.UriSchemeHttp || address.Scheme == Uri.UriSchemeHttps),
            "address must be an http address.");
        if (presence.Holdings.Count > RunLimits.MaxHoldings)
        {
            throw new CheckpointerException(
                ErrorCode.LimitExceeded, $"{presence.Holdings.Count} holdings; at most {RunLimits.MaxHoldings} are taken.");
        }

        if (presence.Runs is { Count: > RunLimits.MaxPresenceRuns })
        {
            throw new CheckpointerException(
                ErrorCode.LimitExceeded, $"{presence.Runs.Count} runs; at most {RunLimits.MaxPresenceRuns} are taken.");
        }

        if (presence.Ranks is { Count: > RunLimits.MaxPresenceRanks })
        {
            throw new CheckpointerException(
                ErrorCode.LimitExceeded, $"{presence.Ranks.Count} ranks; at most {RunLimits.MaxPresenceRanks} are taken.");
        }

        Require(
            presence.Ranks?.All(rank => rank is { Card: null or { Length: <= FailureReport.MaxCardLength }, SilentMs: >= 0 }) != false,
            $"ranks must not hold null, a card of more than {FailureReport.MaxCardLength} characters, or a negative silence.");
        Require(
            presence.Domain is null or { Length: > 0 and <= RunLimits.MaxDomainLength },
            $"domain must have 1 to {RunLimits.MaxDomainLength} characters.");
        if (presence.Store is { } store)
        {
            Require(
                store.Description.Length <= RunLimits.MaxStoreLength,
                $"store.description must have at most {RunLimits.MaxStoreLength} characters.");
            Require(
                store.Repository is not { Length: > RunLimits.MaxRepositoryLength },
                $"store.repository must have at most {RunLimits.MaxRepositoryLength} characters.");
        }

        // JSON may hold a null where the contract has none.
        Require(!presence.Holdings.Contains(null!), "holdings must not hold null.");
    }

    private static void Require(bool holds, string message)
    {
        if (!holds)
        {
            throw new CheckpointerException(ErrorCode.InvalidRequest, message);
        }
    }

    [GeneratedRegex(@"^[A-Za-z0-9._-]+\z", RegexOptions.CultureInvariant)]
    private static partial Regex NodeName();

    private bool IsAlive(long seenAt) => timeProvider.GetElapsedTime(seenAt) < options.AgentTimeout;

    private sealed record Sighting(string Instance, string Address, string? Domain, AgentStore? Store, int Holdings, long At)
    {
        public IReadOnlyList<RankActivity> Ranks { get; init; } = [];
    }
}
