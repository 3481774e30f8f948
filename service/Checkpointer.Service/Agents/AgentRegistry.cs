using System.Text.RegularExpressions;
using Checkpointer.Contracts.Agents;
using Checkpointer.Formats.Errors;
using Checkpointer.Service.Hosting;
using Checkpointer.Service.Runs;

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
    private readonly Dictionary<string, long> _seenAt = new(StringComparer.Ordinal);

    /// <summary>Number of agents that are alive.</summary>
    public int AliveCount
    {
        get
        {
            lock (_gate)
            {
                return _seenAt.Values.Count(IsAlive);
            }
        }
    }

    /// <summary>An agent said who it is and what it holds.</summary>
    public void See(AgentPresence presence)
    {
        Check(presence);
        lock (_gate)
        {
            if (_seenAt.Count >= MaxAgents && !_seenAt.ContainsKey(presence.Node))
            {
                foreach (var gone in _seenAt.Where(agent => !IsAlive(agent.Value)).Select(agent => agent.Key).ToList())
                {
                    _ = _seenAt.Remove(gone);
                }

                if (_seenAt.Count >= MaxAgents)
                {
                    throw new CheckpointerException(ErrorCode.LimitExceeded, $"There are {MaxAgents} live agents already.");
                }
            }

            _seenAt[presence.Node] = timeProvider.GetTimestamp();
        }
    }

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
}
