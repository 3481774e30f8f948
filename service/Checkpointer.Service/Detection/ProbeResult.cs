namespace Checkpointer.Service.Detection;

/// <summary>What an agent's address says to a probe.</summary>
internal enum ProbeResult
{
    /// <summary>It answers: the agent lives, whatever keeps its heartbeats away.</summary>
    Answers,

    /// <summary>The node lives, and nothing listens there.</summary>
    Refused,

    /// <summary>Nothing answers.</summary>
    Silent,
}
