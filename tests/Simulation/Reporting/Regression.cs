using System.Globalization;

namespace Checkpointer.Simulation.Reporting;

/// <summary>A seed that once failed, and what it was.</summary>
internal sealed record Regression(int Seed, int Events, string What)
{
    /// <summary>Those in <c>regressions.txt</c>, beside the program: a line each of seed, events and what it was.</summary>
    public static IReadOnlyList<Regression> Read() =>
    [
        .. File.ReadLines(Path.Combine(AppContext.BaseDirectory, "regressions.txt"))
            .Where(line => line.Length > 0 && line[0] != '#')
            .Select(line => line.Split(' ', 3, StringSplitOptions.RemoveEmptyEntries))
            .Select(parts => new Regression(
                int.Parse(parts[0], CultureInfo.InvariantCulture), int.Parse(parts[1], CultureInfo.InvariantCulture), parts[2])),
    ];
}
