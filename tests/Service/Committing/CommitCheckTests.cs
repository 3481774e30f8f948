using Checkpointer.Contracts;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;
using Checkpointer.Service.Tests.Driving;
using Checkpointer.Storage;
using Checkpointer.TestKit;
using Checkpointer.TestKit.Faults;

namespace Checkpointer.Service.Tests.Committing;

/// <summary>What is wrong in the store is never committed, is told, and harms nothing that was committed before.</summary>
public sealed class CommitCheckTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("index missing", "is missing from the store")]
    [InlineData("index truncated", " bytes and not ")]
    [InlineData("index longer", " bytes and not ")]
    [InlineData("index tampered", "does not hash to the SHA-256")]
    [InlineData("index of another rank", "says other things")]
    [InlineData("index no index", "does not read as what it should be: Index corrupt")]
    [InlineData("layout missing", "is missing from the store")]
    [InlineData("layout tampered", "does not hash to its name")]
    [InlineData("slice missing", "Missing 'w'")]
    [InlineData("slice doubled", "Doubled 'w'")]
    [InlineData("dtype unequal", "DTypeMismatch 'w'")]
    [InlineData("chunk length unequal", "chunks of")]
    public async Task Commit_ShardsNotAsReported_AreAbandonedAndTold(string fault, string reason)
    {
        await using var service = await RunningService.StartAsync(_folder.Path);
        var agents = new FakeAgents(service.Http, service.Store);
        var attempt = await agents.JoinAllAsync("one", Cancel);
        var good = await agents.SaveAsync(attempt, 1, Cancel);
        _ = await EndOfAsync(service, good);
        var manifest = await service.Store.ReadAllAsync(RepositoryKeys.Manifest(agents.Run, good), 1 << 20, Cancel);
        var bad = new CheckpointId(new Step(2), attempt);
        var reports = new List<ShardReport> { await agents.StoreAsync(bad, 0, Cancel), await SpoilAsync(fault, agents, service.Store, bad) };
        foreach (var report in reports)
        {
            _ = await agents.ReportShardAsync(report, Cancel);
        }

        var ended = await EndOfAsync(service, bad);

        Assert.Equal(CheckpointState.Abandoned, ended.State);
        Assert.Contains(reason, ended.Reason, StringComparison.Ordinal);
        Assert.Contains(new Rank(1), ended.MissingRanks);
        Assert.Null(await service.Store.HeadAsync(RepositoryKeys.Manifest(agents.Run, bad), Cancel));
        var incidents = await service.GetAsync("v1/runs/demo/incidents", ContractsJsonContext.Default.PageIncident, Cancel);
        var incident = Assert.Single(incidents.Items);
        Assert.Equal((IncidentKind.CheckpointIncoherent, (Step?)new Step(2)), (incident.Kind, incident.Step));
        Assert.Contains(reason, incident.Message, StringComparison.Ordinal);
        Assert.Equal(manifest, await service.Store.ReadAllAsync(RepositoryKeys.Manifest(agents.Run, good), 1 << 20, Cancel));
        Assert.Equal(CheckpointState.Committed, (await EndOfAsync(service, good)).State);
        Assert.Equal(CheckpointState.Committed, (await EndOfAsync(service, await agents.SaveAsync(attempt, 3, Cancel))).State);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Commit_ManifestOfSomebodyElse_IsConflict(bool isManifest)
    {
        await using var service = await RunningService.StartAsync(_folder.Path);
        var agents = new FakeAgents(service.Http, service.Store);
        var attempt = await agents.JoinAllAsync("one", Cancel);
        var first = await agents.SaveAsync(attempt, 1, Cancel);
        _ = await EndOfAsync(service, first);
        var theirs = isManifest
            ? await service.Store.ReadAllAsync(RepositoryKeys.Manifest(agents.Run, first), 1 << 20, Cancel)
            : "not ours"u8.ToArray();
        var key = RepositoryKeys.Manifest(agents.Run, new CheckpointId(new Step(2), attempt));
        await service.Store.PutAsync(key, new ObjectContent(theirs), Cancel);

        var ended = await EndOfAsync(service, await agents.SaveAsync(attempt, 2, Cancel));

        Assert.Equal(CheckpointState.Abandoned, ended.State);
        Assert.Contains("checkpoint_conflict", ended.Reason, StringComparison.Ordinal);
        Assert.Equal(theirs, await service.Store.ReadAllAsync(key, 1 << 20, Cancel));
        Assert.Equal(CheckpointState.Committed, (await EndOfAsync(service, first)).State);
    }

    [Fact]
    public async Task Commit_RacedByAnotherWriterBetweenCheckAndPut_IsConflict()
    {
        var theirs = "not ours"u8.ToArray();
        await using var service = await RunningService.StartAsync(_folder.Path, decorate: store =>
            new FaultInjectingObjectStore(
                store,
                (operation, key) =>
                {
                    if (operation == StoreOperation.PutIfAbsent && key.EndsWith("/MANIFEST.json", StringComparison.Ordinal))
                    {
                        // Another service with the same run and store gets there first.
                        File.WriteAllBytes(Path.Combine(RunningService.StorePath(_folder.Path), key), theirs);
                    }

                    return StoreFault.None;
                },
                TimeProvider.System));
        var agents = new FakeAgents(service.Http, service.Store);

        var ended = await EndOfAsync(service, await agents.SaveAsync(await agents.JoinAllAsync("one", Cancel), 1, Cancel));

        Assert.Equal(CheckpointState.Abandoned, ended.State);
        Assert.Contains("checkpoint_conflict", ended.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Commit_StoreFails_IsTriedUntilItWorks()
    {
        var script = FaultPlans.Script(
            StoreFault.FailBefore, StoreFault.TornRead, StoreFault.WrongBytes, StoreFault.FailAfter, StoreFault.StorageFull, StoreFault.FailAfter);
        await using var service = await RunningService.StartAsync(_folder.Path, decorate: store => new FaultInjectingObjectStore(
            store, (operation, key) => key.Contains("/checkpoints/", StringComparison.Ordinal) ? script(operation, key) : StoreFault.None, TimeProvider.System));
        var agents = new FakeAgents(service.Http, service.Store);

        var ended = await EndOfAsync(service, await agents.SaveAsync(await agents.JoinAllAsync("one", Cancel), 1, Cancel));

        Assert.Equal(CheckpointState.Committed, ended.State);
    }

    [Fact]
    public async Task Commit_OneHangs_OthersGoOn()
    {
        const string Stuck = "/000000000001.000001/";
        await using var service = await RunningService.StartAsync(
            _folder.Path,
            options => options with { MaxParallelCommits = 2 },
            store => new FaultInjectingObjectStore(
                store, (_, key) => key.Contains(Stuck, StringComparison.Ordinal) && key.Contains("/demo/", StringComparison.Ordinal) ? StoreFault.Hang : StoreFault.None, TimeProvider.System));
        var agents = new FakeAgents(service.Http, service.Store);
        var others = new FakeAgents(service.Http, service.Store, run: "other");
        var attempt = await agents.JoinAllAsync("one", Cancel);
        var stuck = await agents.SaveAsync(attempt, 1, Cancel);

        var next = await EndOfAsync(service, await agents.SaveAsync(attempt, 2, Cancel));
        var other = await EndOfAsync(service, await others.SaveAsync(await others.JoinAllAsync("one", Cancel), 1, Cancel), "other");

        Assert.Equal([CheckpointState.Committed, CheckpointState.Committed], [next.State, other.State]);
        Assert.Equal(CheckpointState.Committing, (await LookAsync(service, stuck, "demo")).State);
    }

    [Fact]
    public async Task Commit_AsManyHangAsMayRun_OthersWaitOnlyAMoment()
    {
        await using var service = await RunningService.StartAsync(
            _folder.Path,
            options => options with { MaxParallelCommits = 1, CommitPatience = TimeSpan.FromMilliseconds(200) },
            store => new FaultInjectingObjectStore(
                store,
                (_, key) => key.Contains("/demo/checkpoints/", StringComparison.Ordinal) ? StoreFault.Hang : StoreFault.None,
                TimeProvider.System));
        var agents = new FakeAgents(service.Http, service.Store);
        var others = new FakeAgents(service.Http, service.Store, run: "other");
        var attempt = await agents.JoinAllAsync("one", Cancel);
        CheckpointId[] stuck = [await agents.SaveAsync(attempt, 1, Cancel), await agents.SaveAsync(attempt, 2, Cancel)];

        var other = await EndOfAsync(service, await others.SaveAsync(await others.JoinAllAsync("one", Cancel), 1, Cancel), "other");

        Assert.Equal(CheckpointState.Committed, other.State);
        Assert.Equal(CheckpointState.Committing, (await LookAsync(service, stuck[0], "demo")).State);
    }

    private static Task<CheckpointSummary> EndOfAsync(RunningService service, CheckpointId checkpoint, string run = "demo") =>
        Eventually.GetAsync(
            () => LookAsync(service, checkpoint, run),
            summary => summary.State is CheckpointState.Committed or CheckpointState.Abandoned,
            Cancel);

    private static Task<CheckpointSummary> LookAsync(RunningService service, CheckpointId checkpoint, string run) =>
        service.GetAsync($"v1/runs/{run}/checkpoints/{checkpoint}", ContractsJsonContext.Default.CheckpointSummary, Cancel);

    /// <summary>Stores rank 1's shard with something wrong; gives the report, which says what it should have been.</summary>
    private static async Task<ShardReport> SpoilAsync(string fault, FakeAgents agents, IObjectStore store, CheckpointId checkpoint)
    {
        var chunkBytes = fault == "chunk length unequal" ? 8192 : 4096;
        var report = await agents.StoreAsync(checkpoint, 1, Cancel, LayoutFor(fault, agents), chunkBytes);
        var index = RepositoryKeys.Index(agents.Run, checkpoint, new Rank(1));
        var layout = RepositoryKeys.Layout(agents.Run, report.Image.Layout);
        var bytes = await store.ReadAllAsync(index, 1 << 20, Cancel);
        switch (fault)
        {
            case "index missing":
                await store.DeleteAsync(index, Cancel);
                break;
            case "index truncated":
                await PutAsync(index, bytes[..^1]);
                break;
            case "index longer":
                await PutAsync(index, [.. bytes, 0]);
                break;
            case "index tampered":
                bytes[60] ^= 1;
                await PutAsync(index, bytes);
                break;
            case "index of another rank":
                bytes = agents.IndexOf(checkpoint, 0, agents.LayoutOf(1), 4096).Encode();
                await PutAsync(index, bytes);
                return report with { IndexSha256 = Sha256(bytes), IndexBytes = bytes.Length };
            case "index no index":
                bytes = TestBytes.Make(300, 7);
                await PutAsync(index, bytes);
                return report with { IndexSha256 = Sha256(bytes), IndexBytes = bytes.Length };
            case "layout missing":
                await store.DeleteAsync(layout, Cancel);
                break;
            case "layout tampered":
                await PutAsync(layout, [.. agents.LayoutOf(1, rows: 4).Utf8.ToArray().Select(value => value == (byte)'w' ? (byte)'v' : value)]);
                break;
        }

        return report;

        Task PutAsync(ObjectKey key, byte[] contents) => store.PutAsync(key, new ObjectContent(contents), Cancel);
    }

    private static Layout? LayoutFor(string fault, FakeAgents agents) => fault switch
    {
        "slice missing" => agents.LayoutOf(1, rows: 3),
        "slice doubled" => new LayoutBuilder()
            .Add("w", DType.F32, [5, 8], new Placement { GlobalShape = [8, 8], Offsets = [3, 0] }).Build(),
        "dtype unequal" => new LayoutBuilder()
            .Add("w", DType.I32, [4, 8], new Placement { GlobalShape = [8, 8], Offsets = [4, 0] }).Build(),
        "layout missing" or "layout tampered" => new LayoutBuilder()
            .Add("w", DType.F32, [4, 8], new Placement { GlobalShape = [8, 8], Offsets = [4, 0] }).Add("own", DType.U8, [9]).Build(),
        _ => null,
    };

    private static string Sha256(byte[] bytes) =>
        Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes));
}
