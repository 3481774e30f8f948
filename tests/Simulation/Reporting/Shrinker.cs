using System.Globalization;

namespace Checkpointer.Simulation.Reporting;

/// <summary>Looks for a smaller course that breaks the same invariant: fewer kinds of faults, fewer faults, fewer events.</summary>
internal static class Shrinker
{
    private const int MaxRuns = 60;

    public static async Task<(SeedOptions Options, SeedResult Result)> ShrinkAsync(
        SeedWorker worker, SeedOptions options, SeedResult failure, CancellationToken cancellationToken)
    {
        var (best, result, runs) = (options with { Trace = false }, failure, 0);

        foreach (var kind in Faults.FaultKinds.Names.Where(kind => failure.Counts.ContainsKey($"fault {kind}")))
        {
            await TryAsync(best with { Masked = [.. best.Masked, kind] });
        }

        for (var faults = result.Faults / 2; faults >= 0 && faults < result.Faults && runs < MaxRuns; faults /= 2)
        {
            if (!await TryAsync(best with { MaxFaults = faults }) || faults == 0)
            {
                break;
            }
        }

        for (var events = best.Events / 2; events > 50 && runs < MaxRuns; events /= 2)
        {
            if (!await TryAsync(best with { Events = events }))
            {
                break;
            }
        }

        return (best, result);

        async Task<bool> TryAsync(SeedOptions candidate)
        {
            if (runs++ >= MaxRuns)
            {
                return false;
            }

            var tried = await worker.RunAsync(candidate, cancellationToken);
            if (tried.Rule != failure.Rule)
            {
                return false;
            }

            (best, result) = (candidate, tried);
            return true;
        }
    }

    /// <summary>The arguments that repeat a course.</summary>
    public static string ArgumentsOf(SeedOptions options) => string.Create(
        CultureInfo.InvariantCulture,
        $"--seeds 1 --start {options.Seed} --events {options.Events}{string.Concat(options.Masked.Select(kind => $" --mask {kind}"))}{(options.MaxFaults is { } faults ? $" --faults {faults}" : "")}");
}
