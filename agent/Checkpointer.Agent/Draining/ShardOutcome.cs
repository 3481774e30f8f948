namespace Checkpointer.Agent.Draining;

/// <summary>What the service said to a shard report.</summary>
internal enum ShardOutcome
{
    /// <summary>It has the report.</summary>
    Acknowledged,

    /// <summary>The reported attempt is not the run's current one any more (<c>stale_attempt</c>).</summary>
    StaleAttempt,

    /// <summary>It will never take it: the checkpoint was abandoned or exists with other contents, or the run is unknown.</summary>
    Refused,
}
