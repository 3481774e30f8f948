namespace Checkpointer.Contracts.Trainers;

/// <summary><c>POST /v1/runs/{run}/ranks/{rank}/join</c>, trainer to agent. The answer is a <see cref="JoinResponse"/>.</summary>
public sealed record JoinRequest
{
    /// <summary>What all ranks of one rendezvous share and no other has.</summary>
    public required string Incarnation { get; init; }

    /// <summary>Number of ranks.</summary>
    public required int WorldSize { get; init; }

    /// <summary>How long the agent may hold the call while ranks are missing, in milliseconds, 0 to 30,000.</summary>
    public int WaitMs { get; init; }
}
