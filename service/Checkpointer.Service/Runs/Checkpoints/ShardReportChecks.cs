using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Indices;
using Checkpointer.Service.Runs.Commands;

namespace Checkpointer.Service.Runs.Checkpoints;

/// <summary>Checks of a shard report by itself, before the run's state comes into it.</summary>
internal static class ShardReportChecks
{
    /// <summary>Why <paramref name="body"/> can't be one; null if it can.</summary>
    public static Refusal? Check(ShardReport body)
    {
        if (body.Checkpoint.Attempt.Value < Attempt.MinValue || body.Checkpoint.Step.Value <= Step.MinValue)
        {
            return RequestText.Invalid("checkpoint must have a step and an attempt of 1 or more.");
        }

        var refusal = RequestText.CheckHex(body.IndexSha256, "index_sha256", 64) ?? ImageRequest.Check(body.Image);
        if (refusal is not null)
        {
            return refusal;
        }

        var lengths = body.IndexBytes is > 0 and <= ShardIndex.MaxBytes
            && body.StoredBytes >= 0 && body.StoredBytes <= body.Image.ImageBytes
            && body.PackBytes >= 0 && body.DrainMs >= 0 && double.IsFinite(body.DrainMs);
        return lengths ? null : RequestText.Invalid("the shard report has a length or time that cannot be.");
    }
}
