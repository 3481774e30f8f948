namespace Checkpointer.Cli.Tests;

/// <summary>What the command line says to what it does not understand: exit status 2, the reason, and nothing started.</summary>
public sealed class UsageTests
{
    [Theory]
    [InlineData("--help")]
    [InlineData("demo", "--help")]
    [InlineData("service", "--help")]
    [InlineData("agent", "--help")]
    [InlineData("verify", "--help")]
    [InlineData("doctor", "--help")]
    public async Task Help_SaysHowToUseIt(params string[] arguments)
    {
        var result = await CheckpointerProgram.RunAsync(arguments);

        Assert.Equal(ExitCode.Success, result.ExitCode);
        Assert.Contains("Usage:", result.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("no-such-verb", "no-such-verb")]
    [InlineData("--store", "service")]
    [InlineData("'nonsense' is no address", "service", "--store", "/nowhere", "--listen", "nonsense")]
    [InlineData("'12 parsecs' is no size", "agent", "--store", "/nowhere", "--memory-budget", "12 parsecs")]
    [InlineData("'-5GiB' is no size", "agent", "--store", "/nowhere", "--memory-budget=-5GiB")]
    [InlineData("--steps must be from 12", "demo", "--steps", "3")]
    [InlineData("planet", "demo", "--kill", "planet")]
    [InlineData("'/nowhere' is no folder", "demo", "--report", "/nowhere/report.json")]
    public async Task Nonsense_IsRefusedWithTheReason(string reason, params string[] arguments)
    {
        var result = await CheckpointerProgram.RunAsync(arguments);

        Assert.Equal(ExitCode.Usage, result.ExitCode);
        Assert.Contains(reason, result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Node", "agent", "--store", "/nowhere", "--node", "../escape")]
    [InlineData("Socket", "agent", "--store", "/nowhere", "--socket", "/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/agent.sock")]
    [InlineData("CheckpointDeadline", "service", "--store", "/nowhere", "--checkpoint-deadline", "00:00:00")]
    public async Task SettingThatMakesNoSense_IsNamed(string setting, params string[] arguments)
    {
        var result = await CheckpointerProgram.RunAsync(arguments);

        Assert.Equal(ExitCode.Usage, result.ExitCode);
        Assert.Contains("configuration_invalid", result.Error, StringComparison.Ordinal);
        Assert.Contains(setting, result.Error, StringComparison.Ordinal);
    }
}
