using Checkpointer.Contracts;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Manifests;
using Checkpointer.Service.Tests.Driving;
using Checkpointer.Storage;
using Checkpointer.Storage.CrashPoints;
using Checkpointer.Storage.Repository;
using Checkpointer.TestKit;
using Checkpointer.TestKit.Processes;

namespace Checkpointer.Crash.Tests.Scenarios;

/// <summary>
/// The service amid a run: what was acknowledged is there after the restart, what was begun is finished, and every manifest
/// was written exactly once.
/// </summary>
internal static class ServiceScenarios
{
    public static IReadOnlyList<CrashScenario> All { get; } =
    [
        new(
            CrashTable.Service,
            "train",
            [
                CrashPointNames.CommitShardsComplete + ":2",
                CrashPointNames.CommitChecked + ":2",
                CrashPointNames.CommitManifestPut + ":2",
                CrashPointNames.CommitJournaled + ":2",
                CrashPointNames.PlanGranted,
                CrashPointNames.AttemptGranted,
                CrashPointNames.AttemptRecorded,
                CrashPointNames.ProbePut,
                CrashPointNames.RepositoryPut,
                CrashPointNames.JournalAppended + ":1",
                CrashPointNames.JournalAppended + ":9",
                CrashPointNames.JournalCommitted + ":6",
                CrashPointNames.JournalMarked + ":6",
                CrashPointNames.JournalSlotWritten + ":9",
                CrashPointNames.JournalSnapshotSaved + ":2",
                CrashPointNames.DataFileNamed + ":4",
            ],
            TrainAsync),
    ];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static async Task TrainAsync(string crashAt)
    {
        using var folder = new TemporaryFolder();
        var killed = await ChildProcess.RunAsync(ServiceChildren.Train, [folder.Path], crashAt, Cancel);
        Assert.True(killed.WasKilled, killed.ToString());
        var told = killed.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var before = await ManifestsAsync(folder);
        var repository = await RepositoryIdentity.FindAsync(ObjectStores.Open(RunningService.StorePath(folder.Path)), Cancel);

        await using (var service = await RunningService.StartAsync(folder.Path))
        {
            var agents = new FakeAgents(service.Http, service.Store);
            await CheckToldAsync(service, told);
            if (repository is not null)
            {
                Assert.Equal(repository, await RepositoryIdentity.FindAsync(service.Store, Cancel));
            }

            // Agents get no answer from a dead service, so they say it all again.
            var attempt = await agents.JoinAllAsync("one", Cancel);
            Assert.Equal(new Attempt(1), attempt);
            for (var step = 1; step <= ServiceChildren.Steps; step++)
            {
                _ = await agents.ReportStepAsync(attempt, step, Cancel);
                _ = await agents.SaveAsync(attempt, step, Cancel);
            }

            var checkpoints = await Eventually.GetAsync(
                () => service.GetAsync("v1/runs/demo/checkpoints", ContractsJsonContext.Default.PageCheckpointSummary, Cancel),
                page => page.Items.Count == ServiceChildren.Steps && page.Items.All(item => item.State == CheckpointState.Committed),
                Cancel);
            Assert.Equal([1, 2, 3], checkpoints.Items.Select(item => item.Checkpoint.Step.Value));
            Assert.Empty((await service.GetAsync("v1/runs/demo/incidents", ContractsJsonContext.Default.PageIncident, Cancel)).Items);
            var ledger = await service.GetAsync("v1/runs/demo/ledger", ContractsJsonContext.Default.PageLedgerEntry, Cancel);
            Assert.Equal([1, 2, 3], ledger.Items.Select(entry => entry.Report.Step.Value));
            _ = await Eventually.GetAsync(
                () => service.Store.HeadAsync(RepositoryKeys.AttemptRecord(agents.Run, attempt), Cancel), info => info is not null, Cancel);
        }

        var after = await ManifestsAsync(folder);
        Assert.Equal(ServiceChildren.Steps, after.Count);
        Assert.All(before, manifest => Assert.Equal(manifest.Value, after[manifest.Key]));
        Assert.All(after.Values, bytes => Assert.Equal(2, Manifest.Parse(bytes.AsSpan()).WorldSize));
    }

    private static async Task CheckToldAsync(RunningService service, string[] told)
    {
        foreach (var line in told.Select(line => line.Split(' ')))
        {
            switch (line[0])
            {
                case "attempt":
                    var run = await service.GetAsync("v1/runs/demo", ContractsJsonContext.Default.RunSummary, Cancel);
                    Assert.Equal(line[1], run.Attempt.ToString());
                    break;
                case "step":
                    var ledger = await service.GetAsync("v1/runs/demo/ledger", ContractsJsonContext.Default.PageLedgerEntry, Cancel);
                    Assert.Contains(ledger.Items, entry => entry.Report.Step.ToString() == line[1]);
                    break;
                default:
                    // Also without anyone saying it again, a checkpoint with all its shards is committed.
                    _ = await Eventually.GetAsync(
                        () => service.GetAsync(
                            $"v1/runs/demo/checkpoints/{line[1]}", ContractsJsonContext.Default.CheckpointSummary, Cancel),
                        summary => summary.State == CheckpointState.Committed,
                        Cancel);
                    break;
            }
        }
    }

    private static async Task<Dictionary<string, byte[]>> ManifestsAsync(TemporaryFolder folder)
    {
        var store = ObjectStores.Open(RunningService.StorePath(folder.Path));
        var manifests = new Dictionary<string, byte[]>();
        await foreach (var info in store.ListAsync(RepositoryKeys.Runs, Cancel))
        {
            if (info.Key.Value.EndsWith("/MANIFEST.json", StringComparison.Ordinal))
            {
                manifests[info.Key.Value] = await store.ReadAllAsync(info.Key, 1 << 20, Cancel);
            }
        }

        return manifests;
    }
}
