using Checkpointer.Formats.Identity;
using Checkpointer.Simulation.Processes;
using Checkpointer.Simulation.Scheduling;

namespace Checkpointer.Simulation.Trainers;

/// <summary>
/// Starts the world and, when a rank ends or a node is lost, starts it again, with a spare node in the place of a dead one: what
/// torchrun and a scheduler do. Never dies itself.
/// </summary>
internal sealed class Launcher(World world)
{
    private readonly Random _random = new(world.Random.Next());
    private readonly SimulatedProcess _process = world.NewProcess("launcher", "launcher");
    private readonly List<SimulatedNode> _placed = [];
    private TaskCompletionSource _trouble = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _incarnations;

    /// <summary>The ranks of the present start; empty between two.</summary>
    public List<TrainerRank> Ranks { get; private set; } = [];

    /// <summary>Ranks of earlier starts that go on.</summary>
    public List<TrainerRank> Zombies { get; } = [];

    /// <summary>How many of the ranks that are to be killed live on, as zombies, when the next start begins.</summary>
    public int NextZombies { get; set; }

    /// <summary>Starts the world, for ever.</summary>
    public async Task RunAsync()
    {
        await Task.Yield();
        while (true)
        {
            await PlaceAsync().ConfigureAwait(false);
            _trouble = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Start();
            await _trouble.Task.ConfigureAwait(false);

            // Until the others are found and ended; they go on meanwhile.
            await PauseAsync(20, 500).ConfigureAwait(false);
            Stop();
            await PauseAsync(50, 500).ConfigureAwait(false);
        }
    }

    private Task PauseAsync(int fromMs, int toMs) => Task.Delay(TimeSpan.FromMilliseconds(_random.Next(fromMs, toMs)), _process.Time);

    /// <summary>Keeps each node that is up in its place and puts another that is up into the place of one that is not.</summary>
    private async Task PlaceAsync()
    {
        while (true)
        {
            for (var place = 0; place < world.Plan.Nodes; place++)
            {
                if (place < _placed.Count && _placed[place].IsUp)
                {
                    continue;
                }

                if (world.Nodes.FirstOrDefault(node => node.IsUp && !_placed.Contains(node)) is not { } free)
                {
                    break;
                }

                if (place < _placed.Count)
                {
                    world.Count("spare");
                    _placed[place] = free;
                }
                else
                {
                    _placed.Add(free);
                }
            }

            if (_placed.Count == world.Plan.Nodes && _placed.TrueForAll(node => node.IsUp))
            {
                return;
            }

            await PauseAsync(500, 1500).ConfigureAwait(false);
        }
    }

    private void Start()
    {
        var size = world.Plan.WorldSize;
        var incarnation = new Incarnation($"start-{++_incarnations}", size, new StepBarrier(size));
        Ranks = [];
        for (var rank = 0; rank < size; rank++)
        {
            var trainer = new TrainerRank(world, _placed[rank / world.Plan.RanksPerNode], incarnation, new Rank(rank));
            var mine = _trouble;
            trainer.Process.Died += () => mine.TrySetResult();
            Ranks.Add(trainer);
        }
    }

    private void Stop()
    {
        foreach (var rank in Ranks.Where(rank => rank.Process.Alive))
        {
            if (NextZombies > 0)
            {
                NextZombies--;
                rank.IsZombie = true;
                Zombies.Add(rank);
                world.Count("zombie_rank");
                continue;
            }

            rank.Process.Kill();
        }

        Ranks = [];
    }
}
