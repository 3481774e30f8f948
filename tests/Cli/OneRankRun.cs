using System.Net.Http.Json;
using System.Text.Json;
using Checkpointer.Contracts;
using Checkpointer.Contracts.Agents;
using Checkpointer.Contracts.Problems;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Cli.Tests;

/// <summary>What the only rank of the run <c>demo</c> and its agent say to a service.</summary>
internal sealed class OneRankRun(Uri service) : IDisposable
{
    private static readonly ContractsJsonContext Json = ContractsJsonContext.Default;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static SealedImage Image { get; } = new()
    {
        Layout = new string('a', 64),
        ImageBytes = 8,
        Root = new string('b', 32),
        NanCount = 0,
        InfCount = 0,
        NonFiniteTensors = [],
    };

    public HttpClient Http { get; } = new() { BaseAddress = service };

    public Task JoinAsync(string incarnation, params IReadOnlyList<Holding> holdings) => PostAsync(
        "join",
        JsonContent.Create(
            new JoinRun
            {
                Incarnation = incarnation,
                Rank = new Rank(0),
                WorldSize = 1,
                Agent = new AgentPresence { Node = "n", Instance = "1", Address = "http://127.0.0.1:1", Holdings = holdings },
            },
            Json.JoinRun));

    public Task ReportAsync(int attempt, params long[] steps) => PostAsync(
        "reports",
        JsonContent.Create(
            new ReportSteps
            {
                Attempt = new Attempt(attempt),
                Reports = [.. steps.Select(step => new StepReport
                {
                    Step = new Step(step), Loss = 1.0 / step, DataCursor = JsonElement.Parse($$"""{"at":{{step}}}"""),
                })],
            },
            Json.ReportSteps));

    public Task SealAsync(long step) => PostAsync(
        "snapshots",
        JsonContent.Create(
            new SnapshotReport
            {
                Attempt = new Attempt(1),
                Step = new Step(step),
                Rank = new Rank(0),
                Node = "n",
                Outcome = SnapshotOutcome.Sealed,
                Durable = false,
                Image = Image,
            },
            Json.SnapshotReport));

    public void Dispose() => Http.Dispose();

    private async Task PostAsync(string what, JsonContent body)
    {
        using (body)
        {
            using var response = await Http.PostAsync(new Uri($"v1/runs/demo/{what}", UriKind.Relative), body, Cancel);
            await ProblemReader.EnsureSuccessAsync(response, Cancel);
        }
    }
}
