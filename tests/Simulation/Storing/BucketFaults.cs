namespace Checkpointer.Simulation.Storing;

/// <summary>How the object store fares at one moment; faults change it.</summary>
internal sealed class BucketFaults
{
    /// <summary>Share of calls that fail before they do anything (500).</summary>
    public double Errors { get; set; }

    /// <summary>Share of calls that are told to slow down (503).</summary>
    public double Throttled { get; set; }

    /// <summary>Share of calls that are never answered, after or before they were carried out.</summary>
    public double Hangs { get; set; }

    /// <summary>Share of writes that are carried out and then fail.</summary>
    public double LostAnswers { get; set; }

    /// <summary>Share of reads that come back with a bit flipped.</summary>
    public double FlippedReads { get; set; }

    /// <summary>Whether every write finds no room.</summary>
    public bool Full { get; set; }

    /// <summary>Whether nothing answers.</summary>
    public bool Away { get; set; }

    /// <summary>What latencies are multiplied by.</summary>
    public double Slowness { get; set; } = 1;

    /// <summary>Called with the name of each fault that hits a call.</summary>
    public Action<string>? Hit { get; set; }

    public void Clear() =>
        (Errors, Throttled, Hangs, LostAnswers, FlippedReads, Full, Away, Slowness) = (0, 0, 0, 0, 0, false, false, 1);
}
