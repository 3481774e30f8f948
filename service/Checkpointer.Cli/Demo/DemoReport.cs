using Checkpointer.Formats.Identity;

namespace Checkpointer.Cli.Demo;

/// <summary>What the demo found, as <c>--report</c> writes it.</summary>
internal sealed record DemoReport
{
    /// <summary>Ranks of the job.</summary>
    public required int WorldSize { get; init; }

    /// <summary>Steps that were trained.</summary>
    public required int Steps { get; init; }

    /// <summary>The kind of object store: <c>folder</c> or <c>s3</c>.</summary>
    public required string Store { get; init; }

    /// <summary>What was killed, and when.</summary>
    public required KillFacts Kill { get; init; }

    /// <summary>What the job resumed from; null if nothing had to resume (an agent or the service was killed).</summary>
    public ResumeFacts? ResumedFrom { get; init; }

    /// <summary>Newest checkpoint that was committed when the kill struck; null if none.</summary>
    public Step? CommittedBeforeKill { get; init; }

    /// <summary>Newest step that memory alone could bring back without any one node when the kill struck; null if none.</summary>
    public Step? ProtectedBeforeKill { get; init; }

    /// <summary>Steps that the final lineage lacks. Must be 0.</summary>
    public required int SkippedSteps { get; init; }

    /// <summary>Steps that were run again after the resume.</summary>
    public required int ReplayedSteps { get; init; }

    /// <summary>Replayed steps whose values were not bit for bit what they had been. Must be 0.</summary>
    public required int ReplayDivergences { get; init; }

    /// <summary>Steps whose loss bits differ from the uninterrupted run's. Must be 0.</summary>
    public required int LossDifferences { get; init; }

    /// <summary>Digest of the final state of the uninterrupted run.</summary>
    public required string BaselineSha256 { get; init; }

    /// <summary>Digest of the final state of the run with the failure.</summary>
    public required string RecoveredSha256 { get; init; }

    /// <summary>Whether the two are equal.</summary>
    public required bool BitwiseEqual { get; init; }

    /// <summary>How long recovery took; null if nothing had to resume.</summary>
    public RecoverySeconds? Seconds { get; init; }

    /// <summary>Checkpoints that the interrupted run committed.</summary>
    public required int CheckpointsCommitted { get; init; }

    /// <summary>What is not as it must be, for people; empty when all is exact.</summary>
    public required IReadOnlyList<string> Failures { get; init; }
}

/// <summary>What was killed.</summary>
/// <param name="Target">The kind of target.</param>
/// <param name="AtStep">Newest step in the ledger when it was killed.</param>
/// <param name="Victim">Which one, for people.</param>
internal sealed record KillFacts(KillTarget Target, Step AtStep, string Victim);

/// <summary>What the job resumed from.</summary>
/// <param name="Step">The step; 0 is a start from scratch.</param>
/// <param name="Tier">memory, storage, or mixed over the ranks; none when starting from scratch.</param>
internal sealed record ResumeFacts(Step Step, string Tier);

/// <summary>The parts of a recovery, in seconds.</summary>
/// <param name="Detect">From the kill until the first rank of the new incarnation asked to join: the launcher's part.</param>
/// <param name="Plan">From there until all had joined and the plan was made.</param>
/// <param name="Restore">The slowest rank's rebuilding and verifying of its image.</param>
/// <param name="ToFirstStep">From the kill until the first step of the new attempt was reported.</param>
internal sealed record RecoverySeconds(double Detect, double Plan, double Restore, double ToFirstStep);
