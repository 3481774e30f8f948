using System.Diagnostics;
using System.Globalization;
using Checkpointer.Simulation.Scheduling;

namespace Checkpointer.Simulation;

/// <summary>Runs one course in this process.</summary>
internal static class SeedRun
{
    private const int KeptLines = 250;

    // How long the world may take to recover once all faults are over, in simulated time.
    private static readonly TimeSpan RecoveryTime = TimeSpan.FromMinutes(5);

    private static int _worlds;

    public static SeedResult Execute(SeedOptions options)
    {
        var began = Stopwatch.GetTimestamp();
        var trace = new Scheduling.Trace(KeptLines, options.Trace);
        var scheduler = new Scheduler(options.Seed, trace);
        var folder = Path.Combine("/dev/shm", string.Create(CultureInfo.InvariantCulture, $"checkpointer-simulation-{Environment.ProcessId}-{++_worlds}"));
        using var world = new World(scheduler, options, folder);
        SimulationException? failure = null;
        try
        {
            scheduler.Settled = world.Settled;
            scheduler.Run(() => LiveAsync(world, options));
        }
        catch (SimulationException e)
        {
            failure = e;
        }
        catch (Exception e)
        {
            failure = new SimulationException("unhandled", e.ToString());
        }

        return new SeedResult
        {
            Seed = options.Seed,
            Events = scheduler.Events,
            SimulatedSeconds = scheduler.Now.TotalSeconds,
            RealSeconds = Stopwatch.GetElapsedTime(began).TotalSeconds,
            Hash = trace.Hash.ToString("x16", CultureInfo.InvariantCulture),
            Counts = world.Counts,
            Rule = failure?.Rule,
            Message = failure?.Message,
            LastLines = failure is null ? [] : [.. trace.Last],
            Faults = world.Faults.Planned,
        };
    }

    private static async Task LiveAsync(World world, SeedOptions options)
    {
        world.Start();
        await world.WhenAsync(() => world.Scheduler.Events >= options.Events).ConfigureAwait(false);
        world.Heal();
        var recovered = world.Model.Recovery();
        var deadline = world.Scheduler.Now + RecoveryTime;
        await world.WhenAsync(() => recovered.IsComplete || world.Scheduler.Now > deadline).ConfigureAwait(false);
        if (!recovered.IsComplete)
        {
            throw new SimulationException("liveness", $"All faults ended {RecoveryTime} ago, and {recovered.Missing}.");
        }

        world.Model.CheckAll();
    }
}
