using System.Text.Json;
using Checkpointer.TestKit;

namespace Checkpointer.Cli.Tests.Doctor;

/// <summary><c>checkpointer doctor</c> as an operator runs it.</summary>
public sealed class DoctorTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Store => Path.Combine(_folder.Path, "store");

    /// <inheritdoc/>
    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task HealthyStoreAndService_AreOk_AndAnAgentNobodyNamedIsSkipped()
    {
        await using var service = await RunningService.StartAsync(
            Path.Combine(_folder.Path, "data"), Store, Path.Combine(_folder.Path, "service.log"));

        var (exitCode, checks) = await RunAsync("--store", Store, "--service", service.Address.ToString(), "--memory-budget", "1MiB");

        Assert.Equal(ExitCode.Success, exitCode);
        Assert.Equal("ok", checks["store/conditional writes"].Outcome);
        Assert.Equal("ok", checks["service/ready"].Outcome);
        Assert.Contains("the service's own", checks["store/repository"].Found, StringComparison.Ordinal);
        Assert.Equal("skipped", checks["agent/answers"].Outcome);
    }

    [Fact]
    public async Task WhatWasAskedForAndIsNotThere_Fails_AndHidesNothingElse()
    {
        var (exitCode, checks) = await RunAsync(
            "--store", Store, "--service", "http://127.0.0.1:1", "--socket", Path.Combine(_folder.Path, "no.sock"), "--memory-budget", "1MiB");

        Assert.Equal(ExitCode.Failure, exitCode);
        Assert.Equal("failed", checks["store/reachable"].Outcome);
        Assert.Equal("failed", checks["service/reachable"].Outcome);
        Assert.Equal("failed", checks["agent/answers"].Outcome);
        Assert.Equal("ok", checks["machine/memory limit"].Outcome);
        Assert.False(Directory.Exists(Store));
    }

    private static async Task<(int ExitCode, Dictionary<string, (string Outcome, string Found)> Checks)> RunAsync(params string[] arguments)
    {
        var result = await CheckpointerProgram.RunAsync(["doctor", "--output", "json", .. arguments]);
        using var report = JsonDocument.Parse(result.Output);
        return (result.ExitCode, report.RootElement.GetProperty("checks").EnumerateArray().ToDictionary(
            check => $"{check.GetProperty("area").GetString()}/{check.GetProperty("check").GetString()}",
            check => (check.GetProperty("outcome").GetString()!, check.GetProperty("found").GetString()!)));
    }
}
