using Checkpointer.Contracts.Runs;
using Checkpointer.Service.Runs.Commands;
using Checkpointer.Storage;

namespace Checkpointer.Service.Runs.Verifications;

/// <summary>Whether a verification's report can be.</summary>
internal static class VerificationReportChecks
{
    /// <summary>Why it is refused; null if it isn't.</summary>
    public static Refusal? Check(VerificationReport body, int worldSize)
    {
        if (body.Findings is null)
        {
            return RequestText.Invalid("findings must be given; it may be empty.");
        }

        if (body.Findings.Count > VerificationReport.MaxFindings)
        {
            return RequestText.TooMany("findings", VerificationReport.MaxFindings);
        }

        if (body.Shards < 0 || body.Packs < 0 || body.Chunks < 0 || body.Bytes < 0 || body.BytesRead < 0 || body.UnreadBytes < 0
            || body.FindingCount < body.Findings.Count || body.Seconds < 0 || !double.IsFinite(body.Seconds))
        {
            return RequestText.Invalid("the verification has a number, length or time that cannot be.");
        }

        if (!Enum.IsDefined(body.Outcome) || !Enum.IsDefined(body.By) || !Fits(body))
        {
            return RequestText.Invalid("the verification's outcome is not what its findings say.");
        }

        return (body.Stopped is { } stopped
                ? RequestText.CheckLength(stopped, "stopped", VerificationReport.MaxStoppedLength)
                : null)
            ?? body.Findings.Select(finding => Check(finding, worldSize)).FirstOrDefault(refusal => refusal is not null);
    }

    private static bool Fits(VerificationReport body) => body.Outcome switch
    {
        VerificationOutcome.Good => body is { FindingCount: 0, UnreadBytes: 0, Stopped: null },
        VerificationOutcome.Damaged => body.Findings.Any(finding => finding is { Kind: not VerificationFindingKind.Unreadable }),
        _ => (body.FindingCount > 0 || body.UnreadBytes > 0 || body.Stopped is not null)
            && body.Findings.All(finding => finding is { Kind: VerificationFindingKind.Unreadable }),
    };

    private static Refusal? Check(VerificationFinding? finding, int worldSize)
    {
        if (finding is not { Ranks: not null, Tensors: not null })
        {
            return RequestText.Invalid("an element of findings is null or lacks its ranks or tensors.");
        }

        if (finding.Ranks.Count > VerificationFinding.MaxRanks)
        {
            return RequestText.TooMany("ranks", VerificationFinding.MaxRanks);
        }

        if (finding.Tensors.Count > VerificationFinding.MaxTensors)
        {
            return RequestText.TooMany("tensors", VerificationFinding.MaxTensors);
        }

        if (!ObjectKey.IsValid(finding.Key) || !Enum.IsDefined(finding.Kind))
        {
            return RequestText.Invalid("an element of findings names no object, or no kind.");
        }

        if (finding.Bytes < 0 || finding.RankCount < finding.Ranks.Count || finding.TensorCount < finding.Tensors.Count
            || finding.Ranks.Any(rank => rank.Value >= worldSize))
        {
            return RequestText.Invalid("an element of findings has a rank, count or length that cannot be.");
        }

        return RequestText.CheckLength(finding.Detail, "detail", VerificationFinding.MaxDetailLength)
            ?? finding.Tensors
                .Select(tensor => RequestText.CheckLength(tensor, "an element of tensors", RunLimits.MaxTensorNameLength))
                .FirstOrDefault(refusal => refusal is not null);
    }
}
