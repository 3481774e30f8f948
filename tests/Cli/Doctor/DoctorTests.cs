using System.Text.Json;
using Checkpointer.Cli.Local;
using Checkpointer.TestKit;
using Checkpointer.TestKit.Processes;

namespace Checkpointer.Cli.Tests.Doctor;

/// <summary><c>checkpointer doctor</c> in healthy and in broken surroundings.</summary>
public sealed class DoctorTests : IDisposable
{
    private static readonly Dictionary<string, string?> NothingNamed = new()
    {
        ["GITHUB_ACTIONS"] = "true", // has Spectre colour a pipe, unless it is told not to
        ["CHECKPOINTER_STORE"] = null,
        ["CHECKPOINTER_SERVICE"] = null,
        ["CHECKPOINTER_AGENT_SOCKET"] = null,
        ["CHECKPOINTER_CONFIG"] = "/dev/null",
        ["CHECKPOINTER_PYTHON"] = null,
    };

    private readonly TemporaryFolder _folder = new();

    private string Store => Directory.CreateDirectory(Path.Combine(_folder.Path, "store")).FullName;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Doctor_HealthyNode_FindsAllWell_AndWhatIsWrongWithAnotherStoreOrAnOpenSocket()
    {
        using var workspace = LocalWorkspace.Create(keepFolder: null);
        await using var store = LocalStore.InFolder(workspace);
        await using var cluster = await LocalCluster.StartAsync(workspace, store, 1, TimeProvider.System, Cancel);
        var node = cluster.Nodes[0];
        await Waiting.UntilAsync(
            "the service has heard of the agent's store",
            async _ => Findings(await RunAsync(Arguments(store.Url))).Any(finding => finding is { Area: "repository", Check: "agent" }),
            TimeSpan.FromSeconds(60), TimeProvider.System, Cancel);

        var healthy = await RunAsync(Arguments(store.Url));
        Assert.Equal(ExitCode.Success, healthy.ExitCode);
        Assert.All(Findings(healthy).Where(finding => finding.Area is not ("limits" or "python")), finding => Assert.Equal("ok", finding.Outcome));
        Assert.Contains(Findings(healthy), finding => finding is { Area: "repository", Check: "agent" });
        Assert.Contains(Findings(healthy), finding => finding is { Area: "store", Check: "throughput" });
        Assert.DoesNotContain(
            Directory.EnumerateFiles(store.Url, "*", SearchOption.AllDirectories),
            file => file.Contains("probes", StringComparison.Ordinal));

        File.SetUnixFileMode(node.AgentSocket, (UnixFileMode)0b110_110_110);
        var open = await RunAsync(Arguments(store.Url));
        Assert.Equal(ExitCode.Success, open.ExitCode);
        Assert.Equal("warning", Outcome(open, "agent", "socket"));

        // Another repository: what a second service makes of an empty folder.
        var other = Path.Combine(_folder.Path, "other");
        await using (await RunningService.StartAsync(Path.Combine(_folder.Path, "data"), other, Path.Combine(_folder.Path, "service.log")))
        {
        }

        var wrong = await RunAsync(Arguments(other));
        Assert.Equal(ExitCode.Failure, wrong.ExitCode);
        Assert.Equal("failed", Outcome(wrong, "repository", "service"));
        Assert.Equal("ok", Outcome(wrong, "repository", "agent"));

        var empty = Directory.CreateDirectory(Path.Combine(_folder.Path, "empty")).FullName;
        Assert.Equal("failed", Outcome(await RunAsync(Arguments(empty)), "repository", "store"));

        await cluster.KillServiceAsync();
        var dead = await RunAsync(Arguments(store.Url));
        Assert.Equal(ExitCode.Failure, dead.ExitCode);
        Assert.Equal("failed", Outcome(dead, "service", "reachable"));

        string[] Arguments(string url) =>
        [
            "--store", url, "--service", cluster.Address.ToString(), "--node", node.Name, "--socket", node.AgentSocket,
            "--arena", workspace.Arenas, "--sample", "1MiB",
        ];
    }

    [Fact]
    public async Task Doctor_WhatIsNamedAndNotThere_Fails_WhatIsNotNamed_IsSkipped()
    {
        var result = await RunAsync(["--socket", Path.Combine(_folder.Path, "none.sock"), "--service", "http://127.0.0.1:1"]);
        Assert.Equal(ExitCode.Failure, result.ExitCode);
        Assert.Equal("failed", Outcome(result, "service", "reachable"));
        Assert.Equal("failed", Outcome(result, "agent", "socket"));
        Assert.Equal("skipped", Outcome(result, "store", "store"));

        var text = await CheckpointerProgram.RunAsync(NothingNamed, ["doctor", "--store", Store, "--sample", "0"]);
        Assert.Contains("  ok       conditional put", text.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("FAILED", text.Output, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Success, text.ExitCode);
    }

    [Fact]
    public async Task Doctor_BudgetLargerThanSharedMemory_Fails()
    {
        var result = await RunAsync(["--memory-budget", "900TiB"]);

        Assert.Equal(ExitCode.Failure, result.ExitCode);
        Assert.Equal("failed", Outcome(result, "memory", "budget"));
    }

    [Fact]
    public async Task Doctor_UrlThatMakesNoSense_IsAUsageError()
    {
        var result = await CheckpointerProgram.RunAsync(NothingNamed, ["doctor", "--store", "s3://"]);

        Assert.Equal(ExitCode.Usage, result.ExitCode);
        Assert.Contains("bucket", result.Error, StringComparison.Ordinal);
        Assert.Empty(result.Output);
    }

    [Fact]
    public async Task Doctor_ArenaOnADisk_Fails()
    {
        var result = await RunAsync(["--arena", AppContext.BaseDirectory, "--memory-budget", "1"]);

        Assert.Equal("failed", Outcome(result, "memory", "shared memory"));
    }

    [Fact]
    public async Task Doctor_FolderThatIsNotThere_FailsAndIsNotMade()
    {
        var missing = Path.Combine(_folder.Path, "missing");

        var result = await RunAsync(["--store", missing]);

        Assert.Equal(ExitCode.Failure, result.ExitCode);
        Assert.Equal("failed", Outcome(result, "store", "read after write"));
        Assert.False(Directory.Exists(missing));
    }

    [Fact]
    public async Task Doctor_HooksOfThisRelease_AreOfThisVersion()
    {
        var environment = new Dictionary<string, string?>(NothingNamed)
        {
            ["CHECKPOINTER_PYTHON"] = "python3",
            ["PYTHONPATH"] = Path.Combine(SourceTree.Find().Root, "agent", "hooks", "python"),
        };

        var result = await CheckpointerProgram.RunAsync(environment, ["doctor", "--output", "json"]);

        Assert.Equal("ok", Outcome(result, "python", "python"));
        Assert.Equal("ok", Outcome(result, "python", "hooks"));
    }

    [Fact]
    public async Task Doctor_S3ThatNobodyServes_SaysSoWithoutTheKeys()
    {
        var environment = new Dictionary<string, string?>(NothingNamed)
        {
            ["AWS_ACCESS_KEY_ID"] = "hush-access",
            ["AWS_SECRET_ACCESS_KEY"] = "hush-secret",
        };

        var result = await CheckpointerProgram.RunAsync(
            environment, ["doctor", "--output", "json", "--store", "s3://bucket?endpoint=http://127.0.0.1:1"]);

        Assert.Equal(ExitCode.Failure, result.ExitCode);
        Assert.Equal("failed", Outcome(result, "store", "read after write"));
        Assert.Contains("AWS_ACCESS_KEY_ID", Findings(result).Single(finding => finding.Check == "keys of S3").Found, StringComparison.Ordinal);
        Assert.DoesNotContain("hush", result.Output + result.Error, StringComparison.Ordinal);
    }

    private static Task<ChildResult> RunAsync(IReadOnlyList<string> arguments) =>
        CheckpointerProgram.RunAsync(NothingNamed, ["doctor", "--output", "json", .. arguments]);

    private static string Outcome(ChildResult result, string area, string check) =>
        Findings(result).Single(finding => finding.Area == area && finding.Check == check).Outcome;

    private static List<Seen> Findings(ChildResult result)
    {
        using var report = JsonDocument.Parse(result.Output);
        return [.. report.RootElement.GetProperty("findings").EnumerateArray().Select(finding => new Seen(
            finding.GetProperty("area").GetString()!,
            finding.GetProperty("check").GetString()!,
            finding.GetProperty("outcome").GetString()!,
            finding.GetProperty("found").GetString()!))];
    }

    private sealed record Seen(string Area, string Check, string Outcome, string Found);
}
