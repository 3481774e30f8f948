namespace Checkpointer.Simulation;

/// <summary>How the world of one seed is made: drawn from the seed alone.</summary>
internal sealed record Plan
{
    public required int Nodes { get; init; }

    public required int Spares { get; init; }

    public required int RanksPerNode { get; init; }

    public required int SlotsPerRank { get; init; }

    public required double StepMs { get; init; }

    public required int SaveEvery { get; init; }

    public required int DurableEvery { get; init; }

    public required long MemoryBudgetBytes { get; init; }

    public int WorldSize => Nodes * RanksPerNode;

    public static Plan Draw(Random random)
    {
        var nodes = random.Next(10) < 8 ? 2 : 3;
        var saveEvery = random.Next(1, 3);
        return new Plan
        {
            Nodes = nodes,
            Spares = 1,
            RanksPerNode = random.Next(1, 3),
            SlotsPerRank = random.Next(4) == 0 ? 2 : 3,
            StepMs = random.Next(150, 700),
            SaveEvery = saveEvery,
            DurableEvery = saveEvery * random.Next(1, 4),
            MemoryBudgetBytes = 256L << 20,
        };
    }
}
