using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json.Serialization.Metadata;
using Checkpointer.Contracts;
using Checkpointer.Contracts.Agents;
using Checkpointer.Contracts.Problems;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Codecs;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Indices;
using Checkpointer.Formats.Layouts;
using Checkpointer.Formats.Packs;
using Checkpointer.Storage;
using Checkpointer.TestKit;

namespace Checkpointer.Service.Tests.Driving;

/// <summary>Says to the service what the agents of a small run would say, and puts into the store what they would put.</summary>
internal sealed class FakeAgents(HttpClient http, IObjectStore store, int worldSize = 2, string run = "demo")
{
    private const int ChunkBytes = 4096;
    private const int PackHeaderBytes = 112;

    private static readonly ContractsJsonContext Json = ContractsJsonContext.Default;

    public static RunId DemoRun { get; } = RunId.Parse("demo");

    public RunId Run { get; } = RunId.Parse(run);

    public int WorldSize => worldSize;

    public AgentPresence Presence(int rank, params IReadOnlyList<Holding> holdings) => new()
    {
        Node = $"node-{rank}",
        Instance = "1",
        Address = $"http://10.0.0.{rank + 1}:7071",
        Holdings = holdings,
    };

    public Task<JoinResult> JoinAsync(string incarnation, int rank, int waitMs, CancellationToken cancellationToken, params IReadOnlyList<Holding> holdings) =>
        PostAsync(
            "join",
            new JoinRun
            {
                Incarnation = incarnation,
                Rank = new Rank(rank),
                WorldSize = worldSize,
                Agent = Presence(rank, holdings),
                WaitMs = waitMs,
            },
            Json.JoinRun,
            Json.JoinResult,
            cancellationToken);

    public async Task<Attempt> JoinAllAsync(string incarnation, CancellationToken cancellationToken)
    {
        var results = await Task.WhenAll(Enumerable.Range(0, worldSize)
            .Select(rank => JoinAsync(incarnation, rank, 20_000, cancellationToken)));
        Assert.All(results, result => Assert.Equal(JoinState.Granted, result.State));
        return Assert.Single(results.Select(result => result.Attempt!.Value).Distinct());
    }

    public Task<ReportStepsResult> ReportStepAsync(Attempt attempt, long step, CancellationToken cancellationToken) => PostAsync(
        "reports",
        new ReportSteps { Attempt = attempt, Reports = [new StepReport { Step = new Step(step), Loss = 1.0 / step }] },
        Json.ReportSteps,
        Json.ReportStepsResult,
        cancellationToken);

    public async Task SealAsync(Attempt attempt, long step, int rank, CancellationToken cancellationToken)
    {
        var report = new SnapshotReport
        {
            Attempt = attempt,
            Step = new Step(step),
            Rank = new Rank(rank),
            Node = $"node-{rank}",
            Outcome = SnapshotOutcome.Sealed,
            Durable = true,
            Image = Image(step, rank),
        };
        using var response = await http.PostAsJsonAsync(Path("snapshots"), report, Json.SnapshotReport, cancellationToken);
        await ProblemReader.EnsureSuccessAsync(response, cancellationToken);
    }

    public Task<ShardResult> ReportShardAsync(ShardReport report, CancellationToken cancellationToken) =>
        PostAsync("shards", report, Json.ShardReport, Json.ShardResult, cancellationToken);

    /// <summary>Seals, stores and reports every rank's shard of a step.</summary>
    public async Task<CheckpointId> SaveAsync(Attempt attempt, long step, CancellationToken cancellationToken)
    {
        var checkpoint = new CheckpointId(new Step(step), attempt);
        for (var rank = 0; rank < worldSize; rank++)
        {
            await SealAsync(attempt, step, rank, cancellationToken);
        }

        for (var rank = 0; rank < worldSize; rank++)
        {
            _ = await ReportShardAsync(await StoreAsync(checkpoint, rank, cancellationToken), cancellationToken);
        }

        return checkpoint;
    }

    /// <summary>Puts one rank's layout and index; gives the report of them, not sent yet.</summary>
    public async Task<ShardReport> StoreAsync(
        CheckpointId checkpoint, int rank, CancellationToken cancellationToken, Layout? layout = null, int chunkBytes = ChunkBytes,
        CheckpointId? packsOf = null)
    {
        layout ??= LayoutOf(rank);
        var bytes = Bytes(checkpoint.Step.Value, rank, layout);
        var pack = new PackHeader(
            checkpoint, new Rank(rank), 0, [new PackEntry(0, CodecId.Raw, bytes.Length, bytes.Length, ChunkHash.Compute(bytes))]);
        var index = IndexOf(checkpoint, rank, layout, chunkBytes, packsOf).Encode();
        await store.PutAsync(RepositoryKeys.Pack(Run, checkpoint, new Rank(rank), 0), new ObjectContent([pack.Encode(), bytes]), cancellationToken);
        await store.PutAsync(RepositoryKeys.Layout(Run, layout.Digest), new ObjectContent(layout.Utf8), cancellationToken);
        await store.PutAsync(RepositoryKeys.Index(Run, checkpoint, new Rank(rank)), new ObjectContent(index), cancellationToken);
        return new ShardReport
        {
            Attempt = checkpoint.Attempt,
            Checkpoint = checkpoint,
            Rank = new Rank(rank),
            IndexSha256 = Convert.ToHexStringLower(SHA256.HashData(index)),
            IndexBytes = index.Length,
            Image = Image(checkpoint.Step.Value, rank, layout, chunkBytes),
            StoredBytes = layout.StoredBytes,
            PackBytes = PackHeaderBytes + layout.StoredBytes,
            DrainMs = 12.5,
        };
    }

    /// <summary>A slice of rows of one tensor, and some state of the rank's own.</summary>
    public Layout LayoutOf(int rank, int rows = 4) => new LayoutBuilder()
        .Add("w", DType.F32, [rows, 8], new Placement { GlobalShape = [4 * worldSize, 8], Offsets = [4 * rank, 0] })
        .Add($"rng.{rank}", DType.U8, [16])
        .Build();

    public SealedImage Image(long step, int rank, Layout? layout = null, int chunkBytes = ChunkBytes)
    {
        layout ??= LayoutOf(rank);
        return new SealedImage
        {
            Layout = layout.Digest,
            ImageBytes = layout.ImageBytes,
            Root = RootHash.Compute(layout.ImageBytes, chunkBytes, [ChunkHash.Compute(Bytes(step, rank, layout))]).ToString(),
            NanCount = 0,
            InfCount = 0,
            NonFiniteTensors = [],
        };
    }

    public ShardIndex IndexOf(CheckpointId checkpoint, int rank, Layout layout, int chunkBytes, CheckpointId? packsOf = null)
    {
        var bytes = Bytes(checkpoint.Step.Value, rank, layout);
        var hash = ChunkHash.Compute(bytes);
        return new ShardIndex
        {
            Checkpoint = checkpoint,
            Rank = new Rank(rank),
            WorldSize = worldSize,
            ChunkBytes = chunkBytes,
            ImageBytes = layout.ImageBytes,
            StoredBytes = layout.StoredBytes,
            LayoutDigest = layout.Digest,
            Root = RootHash.Compute(layout.ImageBytes, chunkBytes, [hash]),
            Packs = [new PackReference(packsOf ?? checkpoint, new Rank(rank), 0, PackHeaderBytes + bytes.Length)],
            Chunks = [new ChunkEntry(hash, CodecId.Raw, 0, PackHeaderBytes, bytes.Length)],
        };
    }

    public async Task<TAnswer> PostAsync<TBody, TAnswer>(
        string what, TBody body, JsonTypeInfo<TBody> type, JsonTypeInfo<TAnswer> answer, CancellationToken cancellationToken)
    {
        using var response = await http.PostAsJsonAsync(Path(what), body, type, cancellationToken);
        await ProblemReader.EnsureSuccessAsync(response, cancellationToken);
        return (await response.Content.ReadFromJsonAsync(answer, cancellationToken))!;
    }

    private static byte[] Bytes(long step, int rank, Layout layout) =>
        TestBytes.Make((int)layout.ImageBytes, (int)(step * 100) + rank);

    private string Path(string what) => $"v1/runs/{Run}/{what}";
}
