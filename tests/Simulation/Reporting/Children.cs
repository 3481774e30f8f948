using System.Text.Json;

namespace Checkpointer.Simulation.Reporting;

/// <summary>The child processes that run seeds: a course to run comes in as a line, what it came to goes out as one.</summary>
internal static class Children
{
    /// <summary>What tells a child from the command.</summary>
    public const string Argument = "--child";

    /// <summary>What marks an answer among the lines of a trace.</summary>
    public const string Mark = "\u0001";

    /// <summary>Runs what is asked for until there is no more.</summary>
    public static int Serve()
    {
        while (Console.In.ReadLine() is { } line)
        {
            var options = JsonSerializer.Deserialize(line, SimulationJsonContext.Default.SeedOptions)!;
            var result = SeedRun.Execute(options);
            Console.Out.WriteLine(Mark + JsonSerializer.Serialize(result, SimulationJsonContext.Default.SeedResult));
            Console.Out.Flush();
        }

        return 0;
    }
}
