using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Checkpointer.Agent.Tests.Worlds;
using Checkpointer.Contracts;
using Checkpointer.Contracts.Problems;
using Checkpointer.Contracts.Runs;
using Checkpointer.Contracts.Trainers;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;

namespace Checkpointer.Agent.Tests.Nodes;

/// <summary>What the hooks do for one rank, over the Unix socket; refusals are the exceptions that they carry.</summary>
internal sealed class TestTrainer(HttpClient agent, Rank rank, int worldSize)
{
    private readonly string _path = string.Create(CultureInfo.InvariantCulture, $"/v1/runs/{TestWorld.Run}/ranks/{rank}");

    public Attempt Attempt { get; set; } = new(1);

    public Rank Rank => rank;

    public async Task<JoinResponse> JoinAsync(string incarnation, int waitMs = 5000)
    {
        var response = await PostAsync(
            "/join",
            new JoinRequest { Incarnation = incarnation, WorldSize = worldSize, WaitMs = waitMs },
            ContractsJsonContext.Default.JoinRequest,
            ContractsJsonContext.Default.JoinResponse);
        Attempt = response.Attempt ?? Attempt;
        return response;
    }

    public async Task<RegisterLayoutResponse> RegisterAsync(Layout layout)
    {
        using var content = new ReadOnlyMemoryContent(layout.Utf8);
        using var response = await agent.PutAsync(
            new Uri($"{_path}/layout?attempt={Attempt}", UriKind.Relative), content, TestContext.Current.CancellationToken);
        return await ReadAsync(response, ContractsJsonContext.Default.RegisterLayoutResponse);
    }

    public Task<SlotLocation> BeginAsync(int step, Layout layout, bool durable = true) => PostAsync(
        "/snapshots",
        new BeginSnapshotRequest { Attempt = Attempt, Step = new Step(step), Layout = layout.Digest, Durable = durable },
        ContractsJsonContext.Default.BeginSnapshotRequest,
        ContractsJsonContext.Default.SlotLocation);

    public Task<SnapshotStatus> SealAsync(int step, long bytes, string? extra = null) => PostAsync(
        $"/snapshots/{step}/seal",
        new SealSnapshotRequest
        {
            Attempt = Attempt,
            CapturedBytes = bytes,
            Extra = extra is null ? null : JsonElement.Parse(extra),
        },
        ContractsJsonContext.Default.SealSnapshotRequest,
        ContractsJsonContext.Default.SnapshotStatus);

    public async Task<SnapshotStatus> DiscardAsync(int step)
    {
        using var response = await agent.DeleteAsync(
            new Uri($"{_path}/snapshots/{step}?attempt={Attempt}", UriKind.Relative), TestContext.Current.CancellationToken);
        return await ReadAsync(response, ContractsJsonContext.Default.SnapshotStatus);
    }

    public async Task<SnapshotStatus> StatusAsync(int step, string until, int waitMs = 10_000)
    {
        using var response = await agent.GetAsync(
            new Uri($"{_path}/snapshots/{step}?attempt={Attempt}&until={until}&wait_ms={waitMs}", UriKind.Relative),
            TestContext.Current.CancellationToken);
        return await ReadAsync(response, ContractsJsonContext.Default.SnapshotStatus);
    }

    public Task<ReportResponse> ReportAsync(params int[] steps) => PostAsync(
        "/reports",
        new ReportRequest
        {
            Attempt = Attempt,
            Reports = [.. steps.Select(step => new StepReport { Step = new Step(step), Loss = 1.0 / step })],
        },
        ContractsJsonContext.Default.ReportRequest,
        ContractsJsonContext.Default.ReportResponse);

    public Task<RestoreResponse> RestoreAsync(Layout layout, int waitMs = 20_000) => PostAsync(
        "/restore",
        new RestoreRequest { Attempt = Attempt, Layout = layout.Digest, WaitMs = waitMs },
        ContractsJsonContext.Default.RestoreRequest,
        ContractsJsonContext.Default.RestoreResponse);

    /// <summary>Begins, fills, seals, and waits.</summary>
    public async Task<SnapshotStatus> SaveAsync(int step, Layout layout, byte[] image, string? extra = null, bool durable = true)
    {
        Write(await BeginAsync(step, layout, durable), image);
        await SealAsync(step, image.Length, extra);
        return await StatusAsync(step, durable ? "durable" : "sealed");
    }

    public static void Write(SlotLocation slot, byte[] image)
    {
        using var file = File.OpenHandle(slot.Path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        RandomAccess.Write(file, image, slot.DataOffset);
    }

    public static byte[] Read(SlotLocation slot, long length)
    {
        using var file = File.OpenHandle(slot.Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var image = new byte[length];
        Assert.Equal(length, RandomAccess.Read(file, image, slot.DataOffset));
        return image;
    }

    private async Task<TResult> PostAsync<TBody, TResult>(
        string path, TBody body, JsonTypeInfo<TBody> bodyType, JsonTypeInfo<TResult> resultType)
    {
        using var content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(body, bodyType));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var response = await agent.PostAsync(
            new Uri(_path + path, UriKind.Relative), content, TestContext.Current.CancellationToken);
        return await ReadAsync(response, resultType);
    }

    private static async Task<T> ReadAsync<T>(HttpResponseMessage response, JsonTypeInfo<T> type)
    {
        await ProblemReader.EnsureSuccessAsync(response, TestContext.Current.CancellationToken);
        return JsonSerializer.Deserialize(
            await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken), type)!;
    }
}
