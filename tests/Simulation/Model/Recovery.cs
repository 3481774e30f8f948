using Checkpointer.Formats.Identity;

namespace Checkpointer.Simulation.Model;

/// <summary>Liveness: what has to come true in bounded time once all faults are over.</summary>
internal sealed class Recovery(World world, IReadOnlyList<CheckpointId> before)
{
    private readonly HashSet<CheckpointId> _before = [.. before];

    /// <summary>Whether all of it has.</summary>
    public bool IsComplete => Missing.Length == 0;

    /// <summary>What has not.</summary>
    public string Missing
    {
        get
        {
            var state = world.Service?.State(World.Run);
            if (state?.CurrentAttempt is not { } attempt)
            {
                return "the service knows of no attempt";
            }

            var ranks = world.Launcher.Ranks;
            if (ranks.Count != world.Plan.WorldSize || ranks.Exists(rank => rank.Attempt != attempt || rank.At is null))
            {
                var where = ranks.Select(rank => $"rank {rank.Rank} is at attempt {rank.Attempt?.ToString() ?? "none"} step {rank.At?.ToString() ?? "none"}");
                return $"not all ranks train in attempt {attempt}: {string.Join(", ", where)}";
            }

            return world.Model.Committed.Any(checkpoint => checkpoint.Attempt == attempt && !_before.Contains(checkpoint))
                && state.Checkpoints.Committed is { } committed && committed.Attempt == attempt
                ? ""
                : $"attempt {attempt} has committed no new checkpoint (ranks are at step {ranks.Min(rank => rank.At?.Value)})";
        }
    }
}
