using Checkpointer.Service.Runs.Events;

namespace Checkpointer.Service.Runs.Joining;

/// <summary>What an agent said at a join.</summary>
internal sealed record AgentHoldings
{
    /// <summary>Its node.</summary>
    public required string Node { get; init; }

    /// <summary>Its process.</summary>
    public required string Instance { get; init; }

    /// <summary>Its address.</summary>
    public required string Address { get; init; }

    /// <summary>What it holds of the run, by checkpoint, then rank.</summary>
    public required IReadOnlyList<HeldImage> Images { get; init; }
}
