using System.Net.Http.Json;
using Checkpointer.Cli.Local;
using Checkpointer.Formats.Identity;
using Checkpointer.TestKit;

namespace Checkpointer.Cli.Tests;

/// <summary>The service and the agent as an operator starts them.</summary>
public sealed class DaemonTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Data => Path.Combine(_folder.Path, "data");

    private string Store => Path.Combine(_folder.Path, "store");

    /// <inheritdoc/>
    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Service_ToldToStop_StopsWithSuccess()
    {
        await using var service = await StartServiceAsync();

        Signal(service.Pid, "TERM");

        Assert.Equal(ExitCode.Success, await service.WaitAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Service_WhoseDataAnotherHas_SaysSo()
    {
        await using var first = await StartServiceAsync();

        var second = await CheckpointerProgram.RunAsync(
            "service", "--data", Data, "--store", Store, "--listen", "http://127.0.0.1:0");

        Assert.Equal(ExitCode.Failure, second.ExitCode);
        Assert.Contains(Data, second.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Service_WhoseJournalIsDamaged_RefusesToStartAndSaysWhatToDo()
    {
        await using (var service = await StartServiceAsync())
        {
            await JoinAsync(service);
        }

        foreach (var file in Directory.EnumerateFiles(Data, "*", SearchOption.AllDirectories).Where(file => new FileInfo(file).Length > 0))
        {
            await File.WriteAllBytesAsync(file, new byte[new FileInfo(file).Length], TestContext.Current.CancellationToken);
        }

        var result = await CheckpointerProgram.RunAsync(
            "service", "--data", Data, "--store", Store, "--listen", "http://127.0.0.1:0");

        Assert.Equal(ExitCode.Failure, result.ExitCode);
        Assert.Matches("journal_(corrupt|lost)", result.Error);
        Assert.Single(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.DoesNotContain("   at ", result.Output + result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Service_KilledAfterAJoin_RemembersTheRun()
    {
        await using (var service = await StartServiceAsync())
        {
            await JoinAsync(service);
        }

        await using var again = await StartServiceAsync();
        using var api = new ServiceApi(again.Address);
        var run = await api.RunAsync("remembered", TestContext.Current.CancellationToken);

        Assert.NotNull(run);
        Assert.Equal(new Attempt(1), run.Attempt);
    }

    private Task<RunningService> StartServiceAsync() => RunningService.StartAsync(Data, Store, Path.Combine(_folder.Path, "service.log"));

    private static async Task JoinAsync(RunningService service)
    {
        using var http = new HttpClient { BaseAddress = service.Address };
        var answer = await http.PostAsJsonAsync(
            "/v1/runs/remembered/join",
            new
            {
                incarnation = "first",
                rank = 0,
                world_size = 1,
                agent = new { node = "node-0", instance = "one", address = "http://127.0.0.1:1", holdings = Array.Empty<object>() },
            },
            TestContext.Current.CancellationToken);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    private static void Signal(int pid, string name)
    {
        using var kill = System.Diagnostics.Process.Start("kill", ["-" + name, pid.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }
}
