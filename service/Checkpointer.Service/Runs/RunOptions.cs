namespace Checkpointer.Service.Runs;

/// <summary>What an operator may choose about runs. Choices act on new decisions only; what was decided is in the events.</summary>
internal sealed record RunOptions
{
    /// <summary>How long a checkpoint may stay incomplete, from its first report on. Default 10 minutes.</summary>
    public TimeSpan CheckpointDeadline { get; init; } = TimeSpan.FromMinutes(10);
}
