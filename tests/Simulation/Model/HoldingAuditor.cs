using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs;
using Checkpointer.Simulation.Scheduling;

namespace Checkpointer.Simulation.Model;

/// <summary>Invariant 6: every rank holds the newest step that all ranks hold, until its node dies.</summary>
internal sealed class HoldingAuditor(World world)
{
    private readonly HashSet<(string Node, Rank Rank, CheckpointId Checkpoint)> _exempt = [];
    private Attempt? _attempt;
    private Dictionary<string, int> _losses = [];

    public long Checks { get; private set; }

    /// <summary>A bit of it was flipped: it may be found out and thrown away.</summary>
    public void Exempt(string node, Rank rank, CheckpointId checkpoint) => _exempt.Add((node, rank, checkpoint));

    public void Check(RunState state)
    {
        if (state.Attempts.Current is not { } current)
        {
            return;
        }

        if (_attempt != current.Attempt)
        {
            // Since its ranks came up: the service may hear of a seal when the memory is gone that held it.
            _attempt = current.Attempt;
            _losses = world.Nodes.ToDictionary(node => node.Name, node => node.Losses);
        }

        if (state.Snapshots.GloballySealed is not { } sealedByAll || sealedByAll.Attempt != current.Attempt)
        {
            return;
        }

        for (var rank = 0; rank < current.WorldSize; rank++)
        {
            var name = current.Nodes[rank];
            var node = world.Nodes.First(node => node.Name == name);
            if (!node.IsUp || node.Losses != _losses[name] || node.Agent is not { Process.Alive: true, IsUp: true } agent || _exempt.Contains((name, new Rank(rank), sealedByAll)))
            {
                continue;
            }

            Checks++;
            if (agent.Arenas.Find(World.Run, new Rank(rank)) is not { } pool
                || !pool.Holdings.Any(holding => holding.Checkpoint == sealedByAll))
            {
                throw new SimulationException("holding", $"All ranks have sealed {sealedByAll}, and {name} holds it no more for rank {rank}.");
            }
        }
    }
}
