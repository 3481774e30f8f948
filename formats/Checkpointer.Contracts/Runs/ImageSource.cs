namespace Checkpointer.Contracts.Runs;

/// <summary>One place that has the bytes of an image.</summary>
public sealed record ImageSource
{
    /// <summary>Memory of an agent, or object storage.</summary>
    public required Tier Tier { get; init; }

    /// <summary>The node that holds it, for <see cref="Runs.Tier.Memory"/>; the agent of that node reads its own arena.</summary>
    public string? Node { get; init; }

    /// <summary>Base address of that node's agent for other agents, such as <c>http://10.0.0.7:7071</c>.</summary>
    public string? Address { get; init; }
}
