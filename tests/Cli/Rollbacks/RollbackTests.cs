using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Checkpointer.Contracts;
using Checkpointer.Contracts.Agents;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Checkpointer.TestKit;
using Checkpointer.TestKit.Processes;

namespace Checkpointer.Cli.Tests.Rollbacks;

/// <summary>
/// <c>checkpointer rollback</c>, <c>ledger</c> and <c>incidents</c> as processes, on a run of one rank whose snapshot of step
/// 2 is in memory.
/// </summary>
public sealed class RollbackTests : IAsyncLifetime
{
    private static readonly ContractsJsonContext Json = ContractsJsonContext.Default;

    private readonly TemporaryFolder _folder = new();
    private RunningService _service = null!;
    private OneRankRun _run = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _service = await RunningService.StartAsync(_folder.File("data"), _folder.File("store"), _folder.File("log"));
        _run = new OneRankRun(_service.Address);
        await _run.JoinAsync("one");
        await _run.ReportAsync(1, 1, 2, 3);
        await _run.SealAsync(2);
    }

    public async ValueTask DisposeAsync()
    {
        _run.Dispose();
        await _service.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Rollback_SaysWhatItComesTo_AndNeedsAYesWhereNobodyCanBeAsked()
    {
        var asked = await RunAsync("rollback", "demo", "--to", "latest");
        Assert.Equal(ExitCode.Usage, asked.ExitCode);
        Assert.Contains("back to 2.1, and leaves 1 step and no checkpoint behind", asked.Error, StringComparison.Ordinal);
        Assert.Contains("--yes", asked.Error, StringComparison.Ordinal);
        var shown = await RunAsync("rollback", "demo", "--to", "2", "--dry-run");
        Assert.Equal(ExitCode.Success, shown.ExitCode);
        Assert.StartsWith("Run demo would go from attempt 1, which is at step 3, back to 2.1", shown.Output, StringComparison.Ordinal);
        Assert.Empty(await RollbacksAsync());

        var done = await RunAsync("rollback", "demo", "--to", "2", "--yes", "--by", "ann", "--comment", "why not", "--output", "json");
        Assert.Equal(ExitCode.Success, done.ExitCode);
        var told = JsonSerializer.Deserialize(done.Output, Json.Rollback)!;
        var kept = Assert.Single(await RollbacksAsync());
        Assert.Equal(
            (1L, "ann", "why not", new CheckpointId(new Step(2), new Attempt(1))), (kept.Number, kept.By, kept.Comment, kept.Target));
        Assert.Equal((kept.Number, kept.Target), (told.Number, told.Target));
    }

    [Fact]
    public async Task Rollback_ByTheUserWhoRunsIt_SaysWhatHappensNext()
    {
        var done = await RunAsync("rollback", "demo", "--to", "2.1", "--yes");
        Assert.Equal(ExitCode.Success, done.ExitCode);
        Assert.Contains("Attempt 1 is fenced", done.Output, StringComparison.Ordinal);
        Assert.Equal(Environment.UserName, Assert.Single(await RollbacksAsync()).By);
    }

    [Theory]
    [InlineData("demo", "7", ExitCode.Failure, "The current lineage of run demo has no checkpoint of step 7. It can go back to 2.1.")]
    [InlineData("demo", "known-good", ExitCode.Failure, "no committed checkpoint")]
    [InlineData("demo", "monday", ExitCode.Usage, "'latest' or 'known_good'")]
    [InlineData("other", "latest", ExitCode.Failure, "There is no run other.")]
    public async Task Rollback_ThatCannotBe_SaysWhy(string run, string to, int status, string why)
    {
        var result = await RunAsync("rollback", run, "--to", to, "--yes");
        Assert.Equal(status, result.ExitCode);
        Assert.Contains(why, result.Error, StringComparison.Ordinal);
        Assert.Single(result.Error.TrimEnd().Split('\n'));
    }

    [Fact]
    public async Task Rollback_WithoutAService_SaysWhereItLooked()
    {
        var result = await CheckpointerProgram.RunAsync("rollback", "demo", "--to", "2", "--yes", "--service", "http://127.0.0.1:1");
        Assert.Equal(ExitCode.Failure, result.ExitCode);
        Assert.Contains("http://127.0.0.1:1", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ledger_ShowsTheCurrentLineageToTheLastBit_AndAllOfItWhenAsked()
    {
        Assert.Equal(ExitCode.Success, (await RunAsync("rollback", "demo", "--to", "2", "--yes")).ExitCode);
        await _run.JoinAsync("two", new Holding { Run = RunId.Parse("demo"), Rank = new Rank(0), Checkpoint = new CheckpointId(new Step(2), new Attempt(1)), Image = OneRankRun.Image });
        await _run.ReportAsync(2, 3, 5);

        var lines = (await RunAsync("ledger", "demo")).Output.TrimEnd().Split('\n');
        Assert.Equal(["step", "1", "2", "3", "5", "run"], lines.Select(line => line.TrimStart().Split(' ')[0]));
        Assert.Contains((1.0 / 3).ToString("R", CultureInfo.InvariantCulture), lines[3], StringComparison.Ordinal);
        Assert.Contains("replayed", lines[3], StringComparison.Ordinal);
        Assert.Equal("run demo, current lineage, steps 1 to 5: 4 entries, 1 replayed, 0 diverged, 0 skipped; gaps: 4", lines[^1]);

        var json = await RunAsync("ledger", "demo", "--lineage", "all", "--from", "3", "--output", "json");
        var all = JsonElement.Parse(json.Output).EnumerateArray().Select(item => item.Deserialize(Json.LedgerEntry)!).ToList();
        Assert.Equal([(3, 1), (3, 2), (5, 2)], all.Select(entry => ((int)entry.Report.Step.Value, entry.Attempt.Value)));
        Assert.All(all, entry => Assert.Equal(1.0 / entry.Report.Step.Value, entry.Report.Loss));

        var file = _folder.File("ledger.csv");
        var exported = await RunAsync("ledger", "demo", "--attempt", "1", "--export", file);
        Assert.Contains("steps 1 to 3: 3 entries", exported.Output, StringComparison.Ordinal);
        var rows = await File.ReadAllLinesAsync(file, Cancel);
        Assert.Equal(4, rows.Length);
        Assert.StartsWith($"3,1,{(1.0 / 3).ToString("R", CultureInfo.InvariantCulture)},,false,false,false,\"{{\"\"at\"\":3}}\",", rows[3], StringComparison.Ordinal);
        Assert.False(File.Exists(file + ".partial"));

        var incidents = await RunAsync("incidents", "demo");
        Assert.Contains("ledger_gap: Step 5 was reported after step 3", incidents.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ledger_OfAnAttemptThatNeverWas_IsRefused()
    {
        var result = await RunAsync("ledger", "demo", "--attempt", "9");
        Assert.Equal(ExitCode.Usage, result.ExitCode);
        Assert.Contains("no attempt 9", result.Error, StringComparison.Ordinal);
        Assert.Equal("no incidents", (await RunAsync("incidents", "demo")).Output.Trim());
    }

    private Task<ChildResult> RunAsync(params string[] arguments) =>
        CheckpointerProgram.RunAsync([.. arguments, "--service", _service.Address.ToString()]);

    private async Task<IReadOnlyList<Rollback>> RollbacksAsync() =>
        (await _run.Http.GetFromJsonAsync("v1/runs/demo/rollbacks", Json.PageRollback, Cancel))!.Items;
}
