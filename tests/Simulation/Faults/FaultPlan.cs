namespace Checkpointer.Simulation.Faults;

/// <summary>
/// Which faults a seed has, and when. Each seed has only some kinds, some seeds few and some many: combinations that a
/// mixture of everything would never have get their turn.
/// </summary>
internal static class FaultPlan
{
    // The world comes up within the first of them, and has checkpoints after the last: both times have their own faults.
    private const int EarliestEvent = 150;
    private const int LatestFirstEvent = 900;

    public static List<PlannedFault> Draw(SeedOptions options)
    {
        var random = new Random(options.Seed ^ 0x0fa1_7000);
        var share = random.NextDouble() < 0.15 ? 0.05 : 0.15 + (random.NextDouble() * 0.5);
        var kinds = FaultKinds.Names.Where(_ => random.NextDouble() < share).ToList();
        var faults = new List<PlannedFault>();
        var gap = random.Next(60, 400);
        for (var at = random.Next(EarliestEvent, LatestFirstEvent); at < options.Events && kinds.Count > 0; at += 1 + random.Next(2 * gap))
        {
            faults.Add(new PlannedFault(at, kinds[random.Next(kinds.Count)], random.Next()));
        }

        faults.RemoveAll(fault => options.Masked.Contains(fault.Kind));
        return options.MaxFaults is { } most ? faults[..Math.Min(most, faults.Count)] : faults;
    }
}
