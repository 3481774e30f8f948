namespace Checkpointer.Contracts.Runs;

/// <summary>The newest verification of a checkpoint.</summary>
public sealed record Verification
{
    /// <summary>When the service learnt of it.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>What was found.</summary>
    public required VerificationReport Report { get; init; }
}
