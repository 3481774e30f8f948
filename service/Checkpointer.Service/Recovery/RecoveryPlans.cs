using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs;
using Checkpointer.Service.Runs.Joining;

namespace Checkpointer.Service.Recovery;

/// <summary>Lists where the bytes of what an attempt resumes from are.</summary>
internal static class RecoveryPlans
{
    /// <summary>
    /// The plan that follows from a choice: for each rank of the world that took it the live copies in memory, first the one on
    /// the node where that rank runs now, then by node; then object storage if it is committed. A function of the state
    /// before the event that makes it the plan, so that a replay arrives at the same plan.
    /// </summary>
    public static RecoveryPlan Build(
        RunState state, PendingIncarnation joined, CheckpointId? resumeFrom, string reason, int number = 1)
    {
        if (resumeFrom is not { } resumed)
        {
            return new RecoveryPlan { Number = number, Reason = reason, Images = [] };
        }

        var copies = MemoryCopies.Collect(state, joined.Agents.Values, id => id == resumed).Copies.GetValueOrDefault(resumed);
        var isCommitted = state.Checkpoints.Find(resumed) is { State: CheckpointState.Committed };
        var worldSize = state.Attempts.Find(resumed.Attempt)!.WorldSize;
        var images = Enumerable.Range(0, worldSize).Select(rank => ListSources(state, joined, resumed, copies, isCommitted, rank));
        return new RecoveryPlan { Number = number, ResumeFrom = resumed, Reason = reason, Images = [.. images] };
    }

    private static ImageSources ListSources(
        RunState state, PendingIncarnation joined, CheckpointId resumed, MemoryCopies? copies, bool isCommitted, int rank)
    {
        var held = copies?.Of(rank) ?? [];
        var home = joined.Ranks.GetValueOrDefault(rank);
        var sources = held
            .OrderBy(copy => copy.Agent.Node == home ? 0 : 1)
            .Take(RunLimits.MaxSourcesPerImage - (isCommitted ? 1 : 0))
            .Select(copy => new ImageSource { Tier = Tier.Memory, Node = copy.Agent.Node, Address = copy.Agent.Address })
            .ToList();
        if (isCommitted)
        {
            sources.Add(new ImageSource { Tier = Tier.Storage });
        }

        Invariant.Holds(sources.Count > 0);
        var facts = state.FindImage(resumed, rank);
        Invariant.Holds(facts is not null || held.Count > 0);
        return new ImageSources
        {
            Rank = new Rank(rank),
            Layout = facts?.Layout ?? held[0].Image.Layout,
            ImageBytes = facts?.ImageBytes ?? held[0].Image.ImageBytes,
            Root = facts?.Root ?? held[0].Image.Root,
            Sources = sources,
        };
    }
}
