using Checkpointer.Contracts.Replicas;
using Checkpointer.Formats.Errors;
using Checkpointer.Service.Runs;
using Checkpointer.Service.Runs.Commands;

namespace Checkpointer.Service.Recovery;

/// <summary>Checks of a report that a copy was made.</summary>
internal static class ReplicaReportChecks
{
    /// <summary>Why <paramref name="body"/> is refused; null if it is not.</summary>
    public static Refusal? Check(RunState state, ReplicaReport body)
    {
        var malformed = body.Checkpoint.Attempt.Value < 1
            ? RequestText.Invalid("checkpoint must be given.")
            : RequestText.CheckName(body.Node, "node", RunLimits.MaxNodeLength, RequestText.NameCharacters)
                ?? ImageRequest.Check(body.Image);
        if (malformed is not null)
        {
            return malformed;
        }

        return Fence.Check(state, body.Attempt) ?? CheckBelongs(state, body);
    }

    private static Refusal? CheckBelongs(RunState state, ReplicaReport body)
    {
        if (state.Attempts.Find(body.Checkpoint.Attempt) is not { } taker || !state.Attempts.Path.Contains(body.Checkpoint))
        {
            return RequestText.Invalid($"Run {state.Run} did not pass {body.Checkpoint} on its way to attempt {body.Attempt}.");
        }

        if (Fence.CheckRank(body.Rank, taker.WorldSize, $"attempt {taker.Attempt}") is { } noSuchRank)
        {
            return noSuchRank;
        }

        return state.FindImage(body.Checkpoint, body.Rank.Value) is { } known && !known.SameBytes(ImageFacts.Of(body.Image))
            ? new Refusal(
                ErrorCode.CheckpointConflict,
                $"Node {body.Node} has a copy of {body.Checkpoint} of rank {body.Rank} with root {body.Image.Root}; it was sealed with "
                + $"root {known.Root}. Drop the copy.")
            : null;
    }
}
