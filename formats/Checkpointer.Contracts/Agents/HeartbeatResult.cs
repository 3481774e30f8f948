namespace Checkpointer.Contracts.Agents;

/// <summary>The answer to <c>POST /v1/agents/heartbeat</c> (whose body is an <see cref="AgentPresence"/>).</summary>
public sealed record HeartbeatResult
{
    /// <summary>Progress of every run that the agent holds images of or names.</summary>
    public required IReadOnlyList<RunProgress> Runs { get; init; }

    /// <summary>The id of the service's repository; null while it is not known.</summary>
    public string? Repository { get; init; }
}
