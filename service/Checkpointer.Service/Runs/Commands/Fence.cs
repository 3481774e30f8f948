using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Service.Runs.Commands;

/// <summary>What every write must pass: its run exists, and its attempt is the current one.</summary>
internal static class Fence
{
    /// <summary>Why a write of <paramref name="attempt"/> is refused; null if it isn't.</summary>
    public static Refusal? Check(RunState state, Attempt attempt)
    {
        if (!state.Exists)
        {
            return NoSuchRun(state);
        }

        if (state.CurrentAttempt == attempt && state.Rollbacks.Pending is { } rollback)
        {
            return new Refusal(
                ErrorCode.StaleAttempt,
                $"Attempt {attempt} of run {state.Run} was fenced when {rollback.By} rolled the run back to {rollback.Target}: stop "
                + "this writer. The next start of the job resumes there.");
        }

        return state.CurrentAttempt == attempt
            ? null
            : new Refusal(
                ErrorCode.StaleAttempt,
                state.CurrentAttempt is { } current
                    ? $"Attempt {attempt} of run {state.Run} is not the current one, which is {current}: this writer was fenced "
                        + "out. Stop it; its work since its attempt's last checkpoint is being done again."
                    : $"Run {state.Run} has no attempt yet, so attempt {attempt} cannot write. Join first.");
    }

    /// <summary>No rank of the run ever joined.</summary>
    public static Refusal NoSuchRun(RunState state) =>
        new(ErrorCode.NotFound, $"There is no run {state.Run}. A run begins with the first join of one of its ranks.");

    /// <summary>Why a rank is refused that is not in a world of this size; null if it is.</summary>
    public static Refusal? CheckRank(Rank rank, int worldSize, string of) => rank.Value < worldSize
        ? null
        : new Refusal(ErrorCode.InvalidRequest, $"Rank {rank} is not in the world of {of}, which has {worldSize} ranks.");
}
