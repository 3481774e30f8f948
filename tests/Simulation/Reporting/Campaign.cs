using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Checkpointer.Simulation.Reporting;

/// <summary>Runs many seeds on child processes and says what they came to.</summary>
internal static class Campaign
{
    private const int MaxShown = 3;

    public static async Task<int> RunAsync(CampaignOptions options, CancellationToken cancellationToken)
    {
        var began = Stopwatch.GetTimestamp();
        var courses = new List<SeedOptions>();
        if (options.Regressions)
        {
            courses.AddRange(Regression.Read().Select(regression => options.Of(regression.Seed, regression.Events)));
        }

        courses.AddRange(Enumerable.Range(options.Start, options.Seeds).Select(seed => options.Of(seed)));
        var workers = Enumerable.Range(0, options.Jobs).Select(_ => new SeedWorker()).ToList();
        try
        {
            var results = await RunAllAsync(workers, courses, options.Stop, cancellationToken);
            var failures = results.Where(result => result.Rule is not null).ToList();
            var differing = await CompareAsync(workers, courses.Take(options.Twice).ToList(), results, cancellationToken);
            var report = Summarise(results, failures, Stopwatch.GetElapsedTime(began));
            Show(report);
            foreach (var failure in failures.Take(MaxShown))
            {
                await ShowFailureAsync(workers[0], options, courses.Find(course => course.Seed == failure.Seed)!, failure, cancellationToken);
            }

            if (options.Report is { } file)
            {
                await File.WriteAllBytesAsync(
                    file, JsonSerializer.SerializeToUtf8Bytes(report, SimulationJsonContext.Default.CampaignReport), cancellationToken);
            }

            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{results.Count} seeds, {failures.Count} failed, {options.Twice} run twice, {differing} of them differ"));
            return failures.Count == 0 && differing == 0 ? 0 : 1;
        }
        finally
        {
            workers.ForEach(worker => worker.Dispose());
        }
    }

    private static async Task<List<SeedResult>> RunAllAsync(
        List<SeedWorker> workers, List<SeedOptions> courses, bool stop, CancellationToken cancellationToken)
    {
        var results = new SeedResult?[courses.Count];
        var next = 0;
        await Task.WhenAll(workers.Select(async worker =>
        {
            while (Interlocked.Increment(ref next) - 1 is var index && index < courses.Count)
            {
                var result = await worker.RunAsync(courses[index], cancellationToken);
                results[index] = result;
                if (result.Rule is { } rule)
                {
                    Console.WriteLine($"seed {result.Seed} FAILED: {rule}");
                    next = stop ? courses.Count : next;
                }
            }
        }));
        return [.. results.OfType<SeedResult>()];
    }

    /// <summary>Runs courses again, each on another worker's process if there are two, and counts those that take another turn.</summary>
    private static async Task<int> CompareAsync(
        List<SeedWorker> workers, List<SeedOptions> courses, List<SeedResult> before, CancellationToken cancellationToken)
    {
        if (courses.Count == 0)
        {
            return 0;
        }

        // Clean processes, in another order: nothing of what ran before may matter.
        workers.ForEach(worker => worker.Dispose());
        courses.Reverse();
        var again = await RunAllAsync(workers, courses, stop: false, cancellationToken);
        var differing = 0;
        foreach (var result in again)
        {
            var first = before.Find(candidate => candidate.Seed == result.Seed)!;
            if (first.Hash != result.Hash)
            {
                differing++;
                Console.WriteLine($"seed {result.Seed} took two courses: {first.Hash} and {result.Hash}");
            }
        }

        return differing;
    }

    private static CampaignReport Summarise(List<SeedResult> results, List<SeedResult> failures, TimeSpan took)
    {
        var counts = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var (name, count) in results.SelectMany(result => result.Counts))
        {
            counts[name] = counts.GetValueOrDefault(name) + count;
        }

        var events = results.Sum(result => (long)result.Events);
        return new CampaignReport
        {
            Seeds = results.Count,
            Events = events,
            Seconds = took.TotalSeconds,
            EventsPerSecond = events / took.TotalSeconds,
            SimulatedHours = results.Sum(result => result.SimulatedSeconds) / 3600,
            Counts = counts,
            Failures = failures,
        };
    }

    private static void Show(CampaignReport report)
    {
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{report.Seeds} seeds, {report.Events} events in {report.Seconds:0.0} s ({report.EventsPerSecond:0} a second), {report.SimulatedHours:0.00} h simulated"));
        foreach (var group in report.Counts.GroupBy(pair => pair.Key.Contains(' ', StringComparison.Ordinal) ? pair.Key[..pair.Key.IndexOf(' ', StringComparison.Ordinal)] : ""))
        {
            Console.WriteLine($"  {group.Key}");
            foreach (var (name, count) in group)
            {
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"    {count,10} {name[(group.Key.Length == 0 ? 0 : group.Key.Length + 1)..]}"));
            }
        }
    }

    private static async Task ShowFailureAsync(
        SeedWorker worker, CampaignOptions options, SeedOptions course, SeedResult failure, CancellationToken cancellationToken)
    {
        var (smallest, result) = options.Shrink && failure.Rule != "crash"
            ? await Shrinker.ShrinkAsync(worker, course, failure, cancellationToken)
            : (course, failure);
        Console.WriteLine();
        result.LastLines.ToList().ForEach(Console.WriteLine);
        Console.WriteLine($"seed {failure.Seed} FAILED {result.Rule}: {result.Message}");
        Console.WriteLine($"the whole course: dotnet run -c Release --project tests/Simulation -- --seeds 1 --start {course.Seed} --events {course.Events} --trace");
        Console.WriteLine($"the smallest:     dotnet run -c Release --project tests/Simulation -- {Shrinker.ArgumentsOf(smallest)} --trace");
    }
}
