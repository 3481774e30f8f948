namespace Checkpointer.TestKit.Faults;

/// <summary>Plans of faults for <see cref="FaultInjectingObjectStore"/>: which call suffers what. Safe for concurrent use.</summary>
public static class FaultPlans
{
    /// <summary>The given faults for the first calls in order, then none.</summary>
    public static Func<StoreOperation, string, StoreFault> Script(params StoreFault[] faults)
    {
        var next = -1;
        return (_, _) =>
        {
            var index = Interlocked.Increment(ref next);
            return index < faults.Length ? faults[index] : StoreFault.None;
        };
    }

    /// <summary>Each call suffers one of <paramref name="faults"/> with probability <paramref name="rate"/>, the same for the same seed and order of calls.</summary>
    public static Func<StoreOperation, string, StoreFault> Seeded(int seed, double rate, params StoreFault[] faults)
    {
        var random = new Random(seed);
        var gate = new Lock();
        return (_, _) =>
        {
            lock (gate)
            {
                // Both numbers are always drawn, so that a change of the rate does not shift the rest of the sequence.
                var hit = random.NextDouble() < rate;
                var which = random.Next(faults.Length);
                return hit ? faults[which] : StoreFault.None;
            }
        };
    }
}
