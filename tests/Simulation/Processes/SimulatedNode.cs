using Checkpointer.Agent.Hosting;

namespace Checkpointer.Simulation.Processes;

/// <summary>One node: its agent, if it runs, and its shared memory.</summary>
internal sealed class SimulatedNode
{
    private readonly World _world;
    private int _lives;

    public SimulatedNode(World world, int number)
    {
        _world = world;
        Name = $"node-{(char)('a' + number)}";
        Folder = Path.Combine(world.Folder, Name);
        Socket = new Uri($"http://{Name}.sock");
        Options = new AgentOptions
        {
            Node = Name,
            Service = World.ServiceAddress,
            Store = world.StoreOptions,
            Socket = "/run/simulated.sock",
            Listen = new Uri($"http://10.0.0.{number + 1}:7071"),
            ArenaRoot = world.Folder,
            MemoryBudgetBytes = world.Plan.MemoryBudgetBytes,
            SlotsPerRank = world.Plan.SlotsPerRank,
            ChunkBytes = World.ChunkBytes,
            HeartbeatInterval = TimeSpan.FromSeconds(1),
            RestoreBufferBytes = 64 * World.ChunkBytes,
        };
    }

    public string Name { get; }

    /// <summary>Its arenas.</summary>
    public string Folder { get; }

    /// <summary>Where its trainers reach its agent.</summary>
    public Uri Socket { get; }

    public AgentOptions Options { get; }

    /// <summary>Its agent's present or last life; null before the first.</summary>
    public AgentProcess? Agent { get; private set; }

    /// <summary>Whether it has power.</summary>
    public bool IsUp { get; private set; } = true;

    /// <summary>How often its memory was lost.</summary>
    public int Losses { get; private set; }

    /// <summary>Starts its agent, unless it runs.</summary>
    public void Start()
    {
        if (IsUp && Agent is not { Process.Alive: true })
        {
            Agent = new AgentProcess(_world, this, ++_lives);
        }
    }

    /// <summary>Power is lost, and all memory with it.</summary>
    public void Lose()
    {
        IsUp = false;
        Losses++;
        Agent?.Process.Kill(silently: true);
        if (Directory.Exists(Folder))
        {
            Directory.Delete(Folder, recursive: true);
        }
    }

    /// <summary>Power is back; memory is empty.</summary>
    public void Return() => IsUp = true;
}
