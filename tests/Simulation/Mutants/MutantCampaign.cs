using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Checkpointer.Simulation.Reporting;

namespace Checkpointer.Simulation.Mutants;

/// <summary>
/// Breaks production code in one way at a time and runs seeds until an invariant notices: what the simulation is worth.
/// </summary>
internal static class MutantCampaign
{
    /// <summary>Seeds within which each has to be caught.</summary>
    public const int MaxSeeds = 200;

    /// <summary>Runs the mutants of that name, or all; 0 if each was caught.</summary>
    public static async Task<int> RunAsync(CampaignOptions options, IReadOnlyList<string> names, CancellationToken cancellationToken)
    {
        var root = Scratch.SourceTree();
        var mutants = Mutant.Read(root, names);
        using var scratch = Scratch.Copy(root);
        Console.WriteLine($"{mutants.Count} mutants; building the code as it is");
        _ = await scratch.BuildAsync(cancellationToken);
        var results = new List<MutantResult>();
        foreach (var mutant in mutants)
        {
            var result = await RunAsync(scratch, mutant, options, cancellationToken);
            results.Add(result);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{(result.Rule is null ? "NOT CAUGHT" : "caught"),-10} {result.Name,-32} {result.Rule,-14} {result.Seeds,4} seeds {result.Events,8} events {result.Seconds,6:0.0} s"));
        }

        if (options.Report is { } file)
        {
            await File.WriteAllBytesAsync(
                file, JsonSerializer.SerializeToUtf8Bytes(results, SimulationJsonContext.Default.ListMutantResult), cancellationToken);
        }

        var missed = results.Count(result => result.Rule is null);
        Console.WriteLine($"{results.Count} mutants, {results.Count - missed} caught, {missed} not");
        return missed == 0 ? 0 : 1;
    }

    /// <summary>Whether every patch still fits the source; 0 if so.</summary>
    public static async Task<int> CheckAsync(CancellationToken cancellationToken)
    {
        var root = Scratch.SourceTree();
        var mutants = Mutant.Read(root, []);
        var misfits = 0;
        foreach (var mutant in mutants)
        {
            var (status, output) = await Scratch.CheckAsync(root, mutant.Patch, cancellationToken);
            if (status != 0)
            {
                misfits++;
                Console.WriteLine($"mutant {mutant.Name} does not fit the source any more: {output.Trim()}");
            }
        }

        Console.WriteLine($"{mutants.Count} mutants, {misfits} do not fit the source");
        return misfits == 0 ? 0 : 1;
    }

    private static async Task<MutantResult> RunAsync(
        Scratch scratch, Mutant mutant, CampaignOptions options, CancellationToken cancellationToken)
    {
        var began = Stopwatch.GetTimestamp();
        await scratch.PatchAsync(mutant.Patch, reverse: false, cancellationToken);
        var report = Path.GetTempFileName();
        try
        {
            var program = await scratch.BuildAsync(cancellationToken);
            _ = await Scratch.RunAsync(
                Path.GetDirectoryName(program)!,
                program,
                [
                    "--seeds", Text(MaxSeeds), "--start", Text(options.Start), "--events", Text(options.Events), "--jobs", Text(options.Jobs),
                    "--stop", "--shrink", "false", "--report", report,
                ],
                cancellationToken);
            var found = JsonSerializer.Deserialize(
                await File.ReadAllBytesAsync(report, cancellationToken), SimulationJsonContext.Default.CampaignReport)!;
            return new MutantResult
            {
                Name = mutant.Name,
                Breaks = mutant.Breaks,
                Seeds = found.Seeds,
                Events = found.Events,
                Seconds = Stopwatch.GetElapsedTime(began).TotalSeconds,
                Rule = found.Failures is [var failure, ..] ? failure.Rule : null,
                Message = found.Failures is [var first, ..] ? first.Message : null,
            };
        }
        finally
        {
            File.Delete(report);
            await scratch.PatchAsync(mutant.Patch, reverse: true, cancellationToken);
        }
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
