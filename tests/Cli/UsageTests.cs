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
    [InlineData("rollback", "--help")]
    [InlineData("ledger", "--help")]
    [InlineData("incidents", "--help")]
    [InlineData("advise", "--help")]
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
    [InlineData("--steps: '3' is no whole number from 12 to 100000: write one such as 40.", "demo", "--steps", "3")]
    [InlineData("--steps: 'many' is no whole number", "demo", "--steps", "many")]
    [InlineData("--save-every: '0' is no whole number from 1", "demo", "--save-every", "0")]
    [InlineData("--memory-every: '-1' is no whole number from 0", "demo", "--memory-every", "-1")]
    [InlineData("--seed: '99999999999' is no whole number", "demo", "--seed", "99999999999")]
    [InlineData("--slots: '1' is no whole number from 2 to 8: write one such as", "agent", "--slots", "1")]
    [InlineData("--slots: '2.5' is no whole number", "agent", "--slots", "2.5")]
    [InlineData("--parallelism: 'x' is no whole number from 1 to 256", "verify", "sft-demo", "--parallelism", "x")]
    [InlineData("--rate: '1KiB' is too small: write at least 64 KiB, such as 64MiB.", "verify", "sft-demo", "--rate", "1KiB")]
    [InlineData("--scrub-rate: '1' is too small: write 0, or at least 64 KiB", "service", "--scrub-rate", "1")]
    [InlineData("--sample: 'x' is no size: write 0, or a whole number of bytes", "doctor", "--sample", "x")]
    [InlineData("--listen: 'localhost:7070' is no address: write one such as http://127.0.0.1:7070.", "agent", "--listen", "localhost:7070")]
    [InlineData("--service: '/run/x' is no address", "doctor", "--service", "/run/x")]
    [InlineData("--checkpoint-deadline: 'soon' is no duration: write one such as 30s, 10m, 1h30m or 500ms.", "service", "--checkpoint-deadline", "soon")]
    [InlineData("--checkpoint-deadline: '0' is out of range: write a duration from 1s to 7d, such as 1h.", "service", "--checkpoint-deadline", "0")]
    [InlineData("--scrub-interval: '500ms' is out of range: write 0, or a duration from 1s to 366d", "service", "--scrub-interval", "500ms")]
    [InlineData("--sweep-interval: '30' is no duration", "service", "--sweep-interval", "30")]
    [InlineData("--sweep-grace: '366d' is out of range", "service", "--sweep-grace", "366d")]
    [InlineData("--peer-copies: '65' is no whole number from 1 to 64", "agent", "--peer-copies", "65")]
    [InlineData("--from: 'x' is no step: write a whole number of at least 1, such as 120.", "ledger", "sft-demo", "--from", "x")]
    [InlineData("--attempt: '0' is no whole number from 1", "ledger", "sft-demo", "--attempt", "0")]
    [InlineData("--failure-every: '4' is no duration: write one such as 30s", "advise", "sft-demo", "--failure-every", "4")]
    [InlineData("--failure-every: '500ms' is out of range: write a duration from 1s", "advise", "sft-demo", "--failure-every", "500ms")]
    [InlineData("--to: '0' is no step", "ledger", "sft-demo", "--to", "0")]
    [InlineData("--to: '-1' is no step", "ledger", "sft-demo", "--to=-1")]
    [InlineData("'sideways'", "ledger", "sft-demo", "--lineage", "sideways")]
    [InlineData("'xml'", "ledger", "sft-demo", "--output", "xml")]
    [InlineData("'csv'", "incidents", "sft-demo", "--output", "csv")]
    [InlineData("'csv'", "advise", "sft-demo", "--output", "csv")]
    [InlineData("'--to' is required", "rollback", "sft-demo")]
    [InlineData("'--comment'", "rollback", "sft-demo", "--to", "1", "--comment")]
    [InlineData("RUN: 'UPPER' is no run", "rollback", "UPPER", "--to", "1")]
    [InlineData("RUN: 'UPPER' is no run", "incidents", "UPPER", "--follow")]
    [InlineData("--service: 'localhost:7070' is no address", "incidents", "sft-demo", "--service", "localhost:7070")]
    [InlineData("--webhook: 'scheduler/incidents' is no address", "service", "--webhook", "scheduler/incidents")]
    [InlineData("--webhook and --webhook-secret-file go together", "service", "--store", "/nowhere", "--webhook", "http://127.0.0.1:1")]
    [InlineData("--webhook and --webhook-secret-file go together", "service", "--store", "/nowhere", "--webhook-secret-file", "/nowhere")]
    [InlineData("SecretFile '/nowhere/secret' cannot be read", "service", "--store", "/nowhere", "--webhook", "http://127.0.0.1:1", "--webhook-secret-file", "/nowhere/secret")]
    [InlineData("--slots", "agent", "--slots", "2", "--slots", "3")]
    [InlineData("RUN: 'UPPER' is no run", "verify", "UPPER")]
    [InlineData("planet", "demo", "--kill", "planet")]
    [InlineData("'/nowhere' is no folder", "demo", "--report", "/nowhere/report.json")]
    public async Task Nonsense_IsRefusedWithTheReason(string reason, params string[] arguments)
    {
        var result = await CheckpointerProgram.RunAsync(arguments);

        Assert.Equal(ExitCode.Usage, result.ExitCode);
        Assert.Contains(reason, result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("System.", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Node", "agent", "--store", "/nowhere", "--node", "../escape")]
    [InlineData("Socket", "agent", "--store", "/nowhere", "--socket", "/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/agent.sock")]
    public async Task SettingThatMakesNoSense_IsNamed(string setting, params string[] arguments)
    {
        var result = await CheckpointerProgram.RunAsync(arguments);

        Assert.Equal(ExitCode.Usage, result.ExitCode);
        Assert.Contains("configuration_invalid", result.Error, StringComparison.Ordinal);
        Assert.Contains(setting, result.Error, StringComparison.Ordinal);
    }
}
