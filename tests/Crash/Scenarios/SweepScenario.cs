using Checkpointer.Contracts;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Manifests;
using Checkpointer.Service.Tests.Driving;
using Checkpointer.Storage;
using Checkpointer.Storage.CrashPoints;
using Checkpointer.TestKit;
using Checkpointer.TestKit.Processes;

namespace Checkpointer.Crash.Tests.Scenarios;

/// <summary>The service amid a sweep: no index is ever there without its packs, the next sweep finishes, every checkpoint stays whole.</summary>
internal static class SweepScenario
{
    private static readonly TimeSpan Old = TimeSpan.FromHours(2);

    public static IReadOnlyList<CrashScenario> All { get; } =
    [
        new(
            CrashTable.Service,
            "sweep",
            [
                CrashPointNames.ProbeClockPut,
                CrashPointNames.SweepIndexDeleted + ":1",
                CrashPointNames.SweepIndexDeleted + ":2",
                CrashPointNames.SweepPackDeleted + ":1",
                CrashPointNames.SweepIndexDeleted + ":3",
                CrashPointNames.ProbeStaleDeleted,
            ],
            SweepAsync),
    ];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static async Task SweepAsync(string crashAt)
    {
        using var folder = new TemporaryFolder();
        var committed = await PrepareAsync(folder);

        var killed = await ChildProcess.RunAsync(ServiceChildren.Sweep, [folder.Path], crashAt, Cancel);
        Assert.True(killed.WasKilled, killed.ToString());
        var left = await KeysAsync(ObjectStores.Open(RunningService.StorePath(folder.Path)));
        Assert.Contains(left, key => key.StartsWith(Packs(3), StringComparison.Ordinal) || key.StartsWith(Packs(2), StringComparison.Ordinal));
        foreach (var (step, rank) in from step in (long[])[2, 3] from rank in (int[])[0, 1] select (step, rank))
        {
            // No index is ever there without its packs.
            var save = new CheckpointId(new Step(step), new Attempt(1));
            Assert.True(
                !left.Contains(RepositoryKeys.Index(FakeAgents.DemoRun, save, new Rank(rank)).Value)
                || left.Contains(RepositoryKeys.Pack(FakeAgents.DemoRun, save, new Rank(rank), 0).Value));
        }

        await using var again = await RunningService.StartAsync(folder.Path, ServiceChildren.OftenSwept);
        var keys = await Eventually.GetAsync(
            () => KeysAsync(again.Store),
            found => !found.Exists(key => key.Contains("/000000000002.000001/", StringComparison.Ordinal)
                || key.Contains("/000000000003.000001/", StringComparison.Ordinal)
                || key.StartsWith("probes/dead/", StringComparison.Ordinal)),
            Cancel);
        var manifest = Manifest.Parse((await again.Store.ReadAllAsync(
            RepositoryKeys.Manifest(FakeAgents.DemoRun, committed), Manifest.MaxBytes, Cancel)).AsSpan());
        Assert.All(manifest.Shards, shard => Assert.Contains(RepositoryKeys.Index(FakeAgents.DemoRun, committed, shard.Rank).Value, keys));
        Assert.All(manifest.Shards, shard => Assert.Contains(RepositoryKeys.Pack(FakeAgents.DemoRun, committed, shard.Rank, 0).Value, keys));
    }

    /// <summary>A committed checkpoint, two saves of an attempt that is fenced out, two dead probes.</summary>
    private static async Task<CheckpointId> PrepareAsync(TemporaryFolder folder)
    {
        await using var service = await RunningService.StartAsync(folder.Path);
        var agents = new FakeAgents(service.Http, service.Store);
        var first = await agents.JoinAllAsync("one", Cancel);
        var committed = await agents.SaveAsync(first, 1, Cancel);
        _ = await Eventually.GetAsync(
            () => service.GetAsync($"v1/runs/demo/checkpoints/{committed}", ContractsJsonContext.Default.CheckpointSummary, Cancel),
            summary => summary.State == CheckpointState.Committed,
            Cancel);
        foreach (var (step, rank) in from step in (long[])[2, 3] from rank in (int[])[0, 1] select (step, rank))
        {
            var save = new CheckpointId(new Step(step), first);
            await PutAsync(folder, service.Store, RepositoryKeys.Pack(agents.Run, save, new Rank(rank), 0).Value, Old);
            await PutAsync(folder, service.Store, RepositoryKeys.Index(agents.Run, save, new Rank(rank)).Value, Old);
        }

        await PutAsync(folder, service.Store, "probes/dead/a", TimeSpan.FromDays(2));
        await PutAsync(folder, service.Store, "probes/dead/b", TimeSpan.FromDays(2));
        _ = await agents.JoinAllAsync("two", Cancel);
        return committed;
    }

    private static string Packs(long step) =>
        $"{RepositoryKeys.Packs(FakeAgents.DemoRun)}{RepositoryKeys.Folder(new CheckpointId(new Step(step), new Attempt(1)))}/";

    private static async Task<List<string>> KeysAsync(IObjectStore store)
    {
        var keys = new List<string>();
        await foreach (var info in store.ListAsync("", Cancel))
        {
            keys.Add(info.Key.Value);
        }

        return keys;
    }

    private static async Task PutAsync(TemporaryFolder folder, IObjectStore store, string key, TimeSpan age)
    {
        await store.PutAsync(new ObjectKey(key), new ObjectContent(new byte[1]), Cancel);
        File.SetLastWriteTimeUtc(
            Path.Combine(RunningService.StorePath(folder.Path), key), (TimeProvider.System.GetUtcNow() - age).UtcDateTime);
    }
}
