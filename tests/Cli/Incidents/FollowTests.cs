using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Checkpointer.Contracts;
using Checkpointer.TestKit;

namespace Checkpointer.Cli.Tests.Incidents;

/// <summary><c>checkpointer incidents --follow</c> as a process, at a service that is killed in between.</summary>
public sealed class FollowTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Follow_ShowsEachIncidentOnce_OldAndNew_OverARestartOfTheService()
    {
        var service = await StartAsync();
        using var run = new OneRankRun(service.Address);
        await run.JoinAsync("one");
        await run.ReportAsync(1, 1, 3);
        using var follower = Follow(service.Address, "--output", "json");
        Assert.Equal(3, await NextAsync(follower));
        await run.ReportAsync(1, 5);
        Assert.Equal(5, await NextAsync(follower));

        await service.DisposeAsync();
        Assert.Contains("cannot be reached", await LineAsync(follower.StandardError), StringComparison.Ordinal);
        await using var again = await StartAsync(service.Address);
        await run.ReportAsync(1, 7);
        Assert.Equal(7, await NextAsync(follower));
        Assert.Equal("checkpointer: the service is back", await LineAsync(follower.StandardError));
        await run.ReportAsync(1, 9);
        Assert.Equal(9, await NextAsync(follower));

        using var kill = Process.Start("kill", ["-INT", follower.Id.ToString(CultureInfo.InvariantCulture)]);
        await follower.WaitForExitAsync(Cancel).WaitAsync(TimeSpan.FromSeconds(60), Cancel);
        Assert.Equal(ExitCode.Interrupted, follower.ExitCode);
        Assert.Equal("", await follower.StandardOutput.ReadToEndAsync(Cancel));
    }

    [Fact]
    public async Task Follow_ForPeople_IsOneLineAnIncident()
    {
        await using var service = await StartAsync();
        using var run = new OneRankRun(service.Address);
        await run.JoinAsync("one");
        using var follower = Follow(service.Address);
        await run.ReportAsync(1, 1, 3);
        Assert.Contains("ledger_gap: Step 3 was reported after step 1", await LineAsync(follower.StandardOutput), StringComparison.Ordinal);
        follower.Kill();
    }

    [Fact]
    public async Task Follow_WhatIsNotThere_EndsAndSaysSo()
    {
        await using var service = await StartAsync();
        var unknown = await CheckpointerProgram.RunAsync("incidents", "demo", "--follow", "--service", service.Address.ToString());
        Assert.Equal(ExitCode.Failure, unknown.ExitCode);
        Assert.Contains("There is no run 'demo'", unknown.Error, StringComparison.Ordinal);
        var nobody = await CheckpointerProgram.RunAsync("incidents", "demo", "--follow", "--service", "http://127.0.0.1:1");
        Assert.Equal(ExitCode.Failure, nobody.ExitCode);
        Assert.Contains("http://127.0.0.1:1", nobody.Error, StringComparison.Ordinal);
    }

    private Task<RunningService> StartAsync(Uri? address = null) =>
        RunningService.StartAsync(_folder.File("data"), _folder.File("store"), _folder.File("log"), address);

    private static Process Follow(Uri service, params string[] more) => Process.Start(
        new ProcessStartInfo(CheckpointerProgram.Path, ["incidents", "demo", "--follow", "--service", service.ToString(), .. more])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;

    // The step that the next incident is about.
    private static async Task<long> NextAsync(Process follower)
    {
        var incident = JsonSerializer.Deserialize(await LineAsync(follower.StandardOutput), ContractsJsonContext.Default.Incident)!;
        return incident.Step!.Value.Value;
    }

    private static async Task<string> LineAsync(StreamReader reader) =>
        await reader.ReadLineAsync(Cancel).AsTask().WaitAsync(TimeSpan.FromSeconds(60), Cancel) ?? throw new EndOfStreamException("The follower ended.");
}
