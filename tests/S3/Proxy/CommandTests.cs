using System.Diagnostics;
using System.Net;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Checkpointer.FaultProxy.Faults;
using Checkpointer.TestKit;

namespace Checkpointer.S3.Tests.Proxy;

public sealed partial class CommandTests
{
    private const int Sigterm = 15;
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "Checkpointer.FaultProxy");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Proxy_AsACommand_IsToldAndTells()
    {
        await using var server = await UpstreamServer.StartAsync();
        using var folder = new TemporaryFolder();
        using var client = new HttpClient();
        using var process = Start(
            "--upstream", $"{server.Address}", "--rate", "1", "--kinds", "slow-down", "--seed", "5", "--control",
            "--report", folder.File("report.json"));
        var line = await process.StandardOutput.ReadLineAsync(Cancel);
        var proxy = new Uri($"http://{Assert.IsType<string>(line)["listening on ".Length..]}");

        using var slow = await client.GetAsync(new Uri(proxy, "/b/k"), Cancel);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, slow.StatusCode);
        using var told = await TellAsync("""{"rate":1,"kinds":"internal-error","key":"spoiled"}""");
        told.EnsureSuccessStatusCode();
        using var spoiled = await client.GetAsync(new Uri(proxy, "/b/spoiled"), Cancel);
        Assert.Equal(HttpStatusCode.InternalServerError, spoiled.StatusCode);
        using var passed = await client.GetAsync(new Uri(proxy, "/b/k"), Cancel);
        Assert.Equal(HttpStatusCode.NotFound, passed.StatusCode);
        using var refused = await TellAsync("""{"kinds":"magic"}""");
        Assert.Contains("No kind of fault 'magic'", await refused.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);

        Assert.Equal(0, Kill(process.Id, Sigterm));
        await process.WaitForExitAsync(Cancel);
        var report = JsonNode.Parse(await File.ReadAllTextAsync(folder.File("report.json"), Cancel))!;
        Assert.Equal(0, process.ExitCode);
        Assert.Equal(3, (int)report["requests"]!);
        Assert.Equal("""{"internal-error":1,"slow-down":1}""", report["injected"]!.ToJsonString());

        Task<HttpResponseMessage> TellAsync(string plan) =>
            client.PutAsync(new Uri(proxy, "/-/faults"), new StringContent(plan), Cancel);
    }

    [Fact]
    public async Task Proxy_ToldNonsense_SaysWhatThereIs()
    {
        using var process = Start("--upstream", "127.0.0.1:1", "--kinds", "magic");
        var said = await process.StandardError.ReadToEndAsync(Cancel);
        await process.WaitForExitAsync(Cancel);

        Assert.Equal(2, process.ExitCode);
        Assert.All(FaultKinds.All, kind => Assert.Contains(FaultKinds.Name(kind), said, StringComparison.Ordinal));
    }

    private static Process Start(params string[] arguments) => Process.Start(
        new ProcessStartInfo(Program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int process, int signal);
}
