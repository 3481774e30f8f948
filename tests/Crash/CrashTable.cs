using Checkpointer.Crash.Tests.Scenarios;
using Checkpointer.Storage.CrashPoints;

namespace Checkpointer.Crash.Tests;

/// <summary>Every scenario there is. What is not killed here is killed nowhere.</summary>
internal static class CrashTable
{
    public const string Storage = "storage";
    public const string Journal = "journal";
    public const string Service = "service";
    public const string Agent = "agent";

    /// <summary>Every crash point that production code names, by reflection. Before the scenarios, which are made of them.</summary>
    public static IReadOnlyList<string> Names { get; } =
        [.. typeof(CrashPointNames).GetFields().Select(field => (string)field.GetRawConstantValue()!)];

    public static IReadOnlyList<CrashScenario> Scenarios { get; } =
    [
        .. StoreScenarios.All,
        .. JournalScenarios.All,
        .. ServiceScenarios.All,
        .. SweepScenario.All,
        .. WebhookScenario.All,
        .. EngineScenarios.All,
        .. AgentScenarios.All,
    ];

    /// <summary>The rows of one part: name of the scenario, crash point.</summary>
    public static TheoryData<string, string> RowsOf(string part)
    {
        var rows = new TheoryData<string, string>();
        foreach (var scenario in Scenarios.Where(scenario => scenario.Part == part))
        {
            foreach (var crashPoint in scenario.CrashPoints)
            {
                rows.Add(scenario.Name, crashPoint);
            }
        }

        return rows;
    }

    /// <summary>Plays one row.</summary>
    public static Task PlayAsync(string name, string crashPoint) =>
        Scenarios.Single(scenario => scenario.Name == name).PlayAsync(crashPoint);
}
