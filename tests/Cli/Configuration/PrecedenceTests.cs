using System.Globalization;
using Checkpointer.TestKit;

namespace Checkpointer.Cli.Tests.Configuration;

/// <summary>Command line before environment before file, seen from outside: by which store the command complains about.</summary>
public sealed class PrecedenceTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("flag", "variable", "file", "flag")]
    [InlineData(null, "variable", "file", "variable")]
    [InlineData(null, null, "file", "file")]
    public async Task Store_IsTakenFromTheFirstThatNamesOne(string? flag, string? variable, string? file, string expected)
    {
        var config = Path.Combine(_folder.Path, "config.json");
        await File.WriteAllTextAsync(
            config, $$"""{ "store": { "url": "{{file}}://x" } }""", TestContext.Current.CancellationToken);

        var result = await CheckpointerProgram.RunAsync(
            new Dictionary<string, string?>
            {
                ["CHECKPOINTER_CONFIG"] = config,
                ["CHECKPOINTER_STORE"] = variable is null ? null : $"{variable}://x",
            },
            ["service", "--data", Path.Combine(_folder.Path, "data"), "--listen", "http://127.0.0.1:0", .. flag is null ? Array.Empty<string>() : ["--store", $"{flag}://x"]]);

        Assert.Equal(ExitCode.Usage, result.ExitCode);
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"scheme '{expected}'"), result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("flag", "variable", "file", "flag")]
    [InlineData(null, "variable", "file", "variable")]
    [InlineData(null, null, "file", "file")]
    public async Task WebhooksSecretFile_IsTakenFromTheFirstThatNamesOne(string? flag, string? variable, string file, string expected)
    {
        var config = Path.Combine(_folder.Path, "config.json");
        await File.WriteAllTextAsync(
            config,
            $$"""{ "service": { "webhook": { "url": "http://127.0.0.1:1", "secret_file": "/nowhere/{{file}}" } } }""",
            TestContext.Current.CancellationToken);

        var result = await CheckpointerProgram.RunAsync(
            new Dictionary<string, string?>
            {
                ["CHECKPOINTER_CONFIG"] = config,
                ["CHECKPOINTER_WEBHOOK"] = variable is null ? null : "http://127.0.0.1:2",
                ["CHECKPOINTER_WEBHOOK_SECRET_FILE"] = variable is null ? null : $"/nowhere/{variable}",
            },
            ["service", "--store", _folder.Path, "--data", Path.Combine(_folder.Path, "data"), .. flag is null ? Array.Empty<string>() : ["--webhook-secret-file", $"/nowhere/{flag}"]]);

        Assert.Equal(ExitCode.Usage, result.ExitCode);
        Assert.Contains($"SecretFile '/nowhere/{expected}' cannot be read", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Store_NamedNowhere_IsAUsageErrorThatSaysHow()
    {
        var result = await CheckpointerProgram.RunAsync(
            new Dictionary<string, string?> { ["CHECKPOINTER_STORE"] = null, ["CHECKPOINTER_CONFIG"] = "/dev/null" },
            ["service", "--data", Path.Combine(_folder.Path, "data"), "--listen", "http://127.0.0.1:0"]);

        Assert.Equal(ExitCode.Usage, result.ExitCode);
        Assert.Contains("--store", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Config_SecretThatOthersCanRead_IsWarnedAbout()
    {
        var config = Path.Combine(_folder.Path, "config.json");
        await File.WriteAllTextAsync(
            config,
            """{ "store": { "url": "nothing://x", "s3": { "access_key": "a", "secret_key": "hush-hush" } } }""",
            TestContext.Current.CancellationToken);
        File.SetUnixFileMode(config, UnixFileMode.UserRead | UnixFileMode.GroupRead);

        string[] arguments = ["service", "--config", config, "--data", Path.Combine(_folder.Path, "data"), "--listen", "http://127.0.0.1:0"];
        var open = await CheckpointerProgram.RunAsync(arguments);
        File.SetUnixFileMode(config, UnixFileMode.UserRead);
        var closed = await CheckpointerProgram.RunAsync(arguments);

        Assert.Contains("chmod 600", open.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("chmod 600", closed.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("hush-hush", open.Error + open.Output + closed.Error + closed.Output, StringComparison.Ordinal);
    }
}
