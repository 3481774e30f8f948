namespace Checkpointer.Simulation.Faults;

/// <summary>The kinds of faults, by the names that the command line and the report use.</summary>
internal static class FaultKinds
{
    public const string AgentCrash = "agent_crash";
    public const string ServiceCrash = "service_crash";
    public const string RankCrash = "rank_crash";
    public const string NodeLoss = "node_loss";
    public const string TwoNodesLost = "two_nodes_lost";
    public const string Partition = "partition";
    public const string MessageLoss = "message_loss";
    public const string MessageDelay = "message_delay";
    public const string MessageRepeat = "message_repeat";
    public const string BrokenAnswers = "broken_answers";
    public const string StoreErrors = "store_errors";
    public const string StoreThrottled = "store_throttled";
    public const string StoreHangs = "store_hangs";
    public const string StoreLostAnswers = "store_lost_answers";
    public const string StoreFull = "store_full";
    public const string StoreAway = "store_away";
    public const string StoreSlow = "store_slow";
    public const string ReadFlips = "read_flips";
    public const string StoredRot = "stored_rot";
    public const string MemoryFlip = "memory_flip";
    public const string ClockJump = "clock_jump";
    public const string SlowRank = "slow_rank";
    public const string Zombie = "zombie";
    public const string Rollback = "rollback";

    public static IReadOnlyList<string> Names { get; } =
    [
        AgentCrash, ServiceCrash, RankCrash, NodeLoss, TwoNodesLost, Partition, MessageLoss, MessageDelay, MessageRepeat, BrokenAnswers,
        StoreErrors, StoreThrottled, StoreHangs, StoreLostAnswers, StoreFull, StoreAway, StoreSlow, ReadFlips, StoredRot, MemoryFlip,
        ClockJump, SlowRank, Zombie, Rollback,
    ];
}
