namespace Checkpointer.Crash.Tests;

/// <summary>
/// SIGKILL of a real process at every crash point in turn, and what is promised after the next start. The parts are classes of
/// their own only so that they run side by side.
/// </summary>
public static class CrashTests
{
    private const string Every = "Killed_ThenStartedAgain_KeepsItsPromise";

    /// <summary>The list is made from the names in the code: a name without a row here fails.</summary>
    public sealed class List
    {
        [Fact]
        public void EveryName_IsKilledAt()
        {
            var killed = CrashTable.Scenarios.SelectMany(scenario => scenario.CrashPoints).Select(CrashScenario.NameOf).Distinct();

            Assert.Equal(CrashTable.Names.Order(StringComparer.Ordinal), killed.Order(StringComparer.Ordinal));
        }

        [Fact]
        public void EveryName_IsOfOnePlace()
        {
            Assert.Equal(CrashTable.Names, CrashTable.Names.Distinct());
            Assert.All(CrashTable.Names, name => Assert.Matches("^[a-z]+([._][a-z]+)+$", name));
        }

        [Fact]
        public void EveryScenario_HasANameAndDistinctRows()
        {
            Assert.Equal(CrashTable.Scenarios.Count, CrashTable.Scenarios.Select(scenario => scenario.Name).Distinct().Count());
            Assert.All(CrashTable.Scenarios, scenario => Assert.Equal(scenario.CrashPoints.Distinct(), scenario.CrashPoints));
        }
    }

    /// <summary>The store on a file system, and the journal.</summary>
    public sealed class StorageAndJournal
    {
        public static TheoryData<string, string> Rows => [.. CrashTable.RowsOf(CrashTable.Storage), .. CrashTable.RowsOf(CrashTable.Journal)];

        [Theory(DisplayName = Every)]
        [MemberData(nameof(Rows))]
        public Task KilledThenStartedAgainKeepsItsPromise(string scenario, string crashAt) => CrashTable.PlayAsync(scenario, crashAt);
    }

    /// <summary>The service.</summary>
    public sealed class Service
    {
        public static TheoryData<string, string> Rows => CrashTable.RowsOf(CrashTable.Service);

        [Theory(DisplayName = Every)]
        [MemberData(nameof(Rows))]
        public Task KilledThenStartedAgainKeepsItsPromise(string scenario, string crashAt) => CrashTable.PlayAsync(scenario, crashAt);
    }

    /// <summary>The agent.</summary>
    public sealed class Agent
    {
        public static TheoryData<string, string> Rows => CrashTable.RowsOf(CrashTable.Agent);

        [Theory(DisplayName = Every)]
        [MemberData(nameof(Rows))]
        public Task KilledThenStartedAgainKeepsItsPromise(string scenario, string crashAt) => CrashTable.PlayAsync(scenario, crashAt);
    }
}
