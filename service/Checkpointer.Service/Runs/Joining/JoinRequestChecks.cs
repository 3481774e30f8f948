using Checkpointer.Contracts.Agents;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs.Commands;
using Checkpointer.Service.Runs.Events;

namespace Checkpointer.Service.Runs.Joining;

/// <summary>Checks of a join by itself, before the run's state comes into it.</summary>
internal static class JoinRequestChecks
{
    /// <summary>Why <paramref name="body"/> can't be a join; null if it can.</summary>
    public static Refusal? Check(JoinRun body)
    {
        if (body.WorldSize is < 1 or > RunLimits.MaxWorldSize)
        {
            return RequestText.Invalid($"world_size must be 1 to {RunLimits.MaxWorldSize}; it is {body.WorldSize}.");
        }

        if (body.Agent is not { } agent)
        {
            return RequestText.Invalid("agent must be given.");
        }

        return RequestText.CheckName(
                body.Incarnation, "incarnation", RunLimits.MaxIncarnationLength, RequestText.IncarnationCharacters)
            ?? Fence.CheckRank(body.Rank, body.WorldSize, $"incarnation {body.Incarnation}")
            ?? RequestText.CheckName(agent.Node, "agent.node", RunLimits.MaxNodeLength, RequestText.NameCharacters)
            ?? RequestText.CheckLength(agent.Instance, "agent.instance", RunLimits.MaxInstanceLength)
            ?? CheckAddress(agent.Address)
            ?? CheckHoldings(agent.Holdings);
    }

    /// <summary>What of the holdings is of <paramref name="run"/>, each once, by checkpoint, then rank.</summary>
    public static IReadOnlyList<HeldImage> Select(RunId run, IReadOnlyList<Holding> holdings) =>
    [
        .. holdings
            .Where(holding => holding.Run == run)
            .Select(holding => new HeldImage
            {
                Rank = holding.Rank,
                Checkpoint = holding.Checkpoint,
                Layout = holding.Image.Layout,
                ImageBytes = holding.Image.ImageBytes,
                Root = holding.Image.Root,
            })
            .DistinctBy(held => (held.Checkpoint, held.Rank))
            .OrderBy(held => held.Checkpoint).ThenBy(held => held.Rank),
    ];

    private static Refusal? CheckAddress(string? address)
    {
        var length = RequestText.CheckLength(address, "agent.address", RunLimits.MaxAddressLength);
        if (length is not null)
        {
            return length;
        }

        return Uri.TryCreate(address, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"
            ? null
            : RequestText.Invalid("agent.address must be an http or https address, such as http://10.0.0.7:7071.");
    }

    private static Refusal? CheckHoldings(IReadOnlyList<Holding>? holdings) => holdings switch
    {
        null => RequestText.Invalid("agent.holdings must be given; it may be empty."),
        { Count: > RunLimits.MaxHoldings } => RequestText.TooMany("agent.holdings", RunLimits.MaxHoldings),
        _ => holdings.Select(CheckHolding).FirstOrDefault(refusal => refusal is not null),
    };

    private static Refusal? CheckHolding(Holding? holding) =>
        holding is null || holding.Checkpoint.Attempt.Value < Attempt.MinValue
            ? RequestText.Invalid("agent.holdings has an element without a checkpoint.")
            : ImageRequest.Check(holding.Image);
}
