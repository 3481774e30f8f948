using Checkpointer.Contracts.Runs;
using Checkpointer.Storage.Verification;

namespace Checkpointer.Service.Verifying;

/// <summary>Makes the report of a verification, within the limits of the contract.</summary>
public static class VerificationReports
{
    /// <summary>The report of <paramref name="found"/>, for the service.</summary>
    public static VerificationReport Of(CheckpointVerification found, VerifiedBy by)
    {
        var report = InFull(found, by);
        return report with
        {
            Findings = [.. report.Findings.Take(VerificationReport.MaxFindings).Select(Bound)],
            Stopped = report.Stopped is { } stopped ? Cut(stopped, VerificationReport.MaxStoppedLength) : null,
        };
    }

    /// <summary>The same with every finding, every rank, and as many tensors as are known: beyond what the service takes.</summary>
    public static VerificationReport InFull(CheckpointVerification found, VerifiedBy by)
    {
        ArgumentNullException.ThrowIfNull(found);
        return new VerificationReport
        {
            Outcome = found.IsDamaged ? VerificationOutcome.Damaged
                : found.IsComplete ? VerificationOutcome.Good
                : VerificationOutcome.Incomplete,
            By = by,
            StartedAt = found.StartedAt,
            Seconds = found.Elapsed.TotalSeconds,
            Shards = found.Shards,
            Packs = found.Packs,
            Chunks = found.Chunks,
            Bytes = found.Bytes,
            BytesRead = found.BytesRead,
            UnreadBytes = found.UnreadBytes,
            Findings = [.. found.Findings.OrderBy(finding => finding.Kind == FindingKind.Unreadable).Select(Of)],
            FindingCount = found.Findings.Count,
            Stopped = found.Stopped,
        };
    }

    private static VerificationFinding Of(ObjectFinding finding) => new()
    {
        Kind = finding.Kind switch
        {
            FindingKind.Missing => VerificationFindingKind.Missing,
            FindingKind.Corrupt => VerificationFindingKind.Corrupt,
            _ => VerificationFindingKind.Unreadable,
        },
        Key = finding.Key.Value,
        Detail = finding.Detail,
        Ranks = finding.Ranks,
        RankCount = finding.Ranks.Count,
        Tensors = finding.Tensors,
        TensorCount = finding.TensorCount,
        Bytes = finding.Bytes,
    };

    private static VerificationFinding Bound(VerificationFinding finding) => finding with
    {
        Detail = Cut(finding.Detail, VerificationFinding.MaxDetailLength),
        Ranks = [.. finding.Ranks.Take(VerificationFinding.MaxRanks)],
        Tensors = [.. finding.Tensors.Take(VerificationFinding.MaxTensors)],
    };

    // Never between the halves of a surrogate pair, which JSON could not keep.
    private static string Cut(string text, int length) => text.Length <= length
        ? text
        : string.Concat(text.AsSpan(0, char.IsHighSurrogate(text[length - 2]) ? length - 2 : length - 1), "…");
}
