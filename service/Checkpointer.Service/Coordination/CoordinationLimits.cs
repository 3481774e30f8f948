namespace Checkpointer.Service.Coordination;

/// <summary>Limits of the coordinator; each holds at N and refuses N + 1.</summary>
internal static class CoordinationLimits
{
    /// <summary>Most commands that wait for the journal at a time; one more is <c>service_unavailable</c>, transient.</summary>
    public const int MaxPendingCommands = 8192;

    /// <summary>Most runs; a join that would make one more is <c>limit_exceeded</c>.</summary>
    public const int MaxRuns = 4096;

    /// <summary>Longest that a join may be held, in milliseconds.</summary>
    public const int MaxWaitMs = 30_000;
}
