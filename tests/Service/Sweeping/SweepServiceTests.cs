using System.Diagnostics.Metrics;
using Checkpointer.Contracts;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Telemetry;
using Checkpointer.Service.Tests.Driving;
using Checkpointer.Storage;
using Checkpointer.TestKit;

namespace Checkpointer.Service.Tests.Sweeping;

/// <summary>The sweep in the service as it ships: a real store, a real journal, agents that are played.</summary>
public sealed class SweepServiceTests : IDisposable
{
    private static readonly ContractsJsonContext Json = ContractsJsonContext.Default;
    private static readonly TimeSpan Old = TimeSpan.FromHours(2);

    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task WhatDeadAttemptsLeft_Goes_AndNothingElse()
    {
        List<string> before;
        CheckpointId committed;
        Attempt second;
        await using (var quiet = await RunningService.StartAsync(_folder.Path))
        {
            var run = new FakeAgents(quiet.Http, quiet.Store);
            var first = await run.JoinAllAsync("one", Cancel);
            committed = await CommitAsync(quiet, run, first, 1);
            await PutSaveAsync(run, quiet.Store, new CheckpointId(new Step(2), first), Old);
            second = await run.JoinAllAsync("two", Cancel);
            await PutSaveAsync(run, quiet.Store, new CheckpointId(new Step(3), second), Old);
            await PutSaveAsync(run, quiet.Store, new CheckpointId(new Step(9), second.Next), Old);
            string[] strangers = ["runs/unknown/packs/000000000001.000001/000000-000000.pack", $"{Packs(2, 1)}notes.txt", "other/thing"];
            foreach (var key in strangers)
            {
                await PutAsync(quiet.Store, key, Old);
            }

            await PutAsync(quiet.Store, "probes/dead/a", TimeSpan.FromDays(2));
            await PutAsync(quiet.Store, "probes/alive/a", TimeSpan.FromHours(2));
            before = await KeysAsync(quiet.Store);
        }

        using var swept = new SweptBytes();
        await using var service = await StartAsync();
        var agents = new FakeAgents(service.Http, service.Store);
        var save = new CheckpointId(new Step(2), new Attempt(1));
        _ = await SweptAsync(service.Store, keys => !keys.Contains("probes/dead/a")
            && !keys.Any(key => key.StartsWith(Packs(2, 1), StringComparison.Ordinal) && key.EndsWith(".pack", StringComparison.Ordinal)));

        var gone = before.Except(await KeysAsync(service.Store));

        Assert.Equal(
            [
                "probes/dead/a",
                .. Enumerable.Range(0, 2).Select(rank => RepositoryKeys.Index(agents.Run, save, new Rank(rank)).Value),
                .. Enumerable.Range(0, 2).Select(rank => RepositoryKeys.Pack(agents.Run, save, new Rank(rank), 0).Value),
            ],
            gone.Order(StringComparer.Ordinal));
        Assert.Contains(RepositoryKeys.Manifest(agents.Run, committed).Value, before);
        await PutAsync(service.Store, "probes/dead/b", TimeSpan.FromDays(2));
        _ = await Eventually.GetAsync(
            () => Task.FromResult((swept["FencedOut"], swept["StaleProbe"])), bytes => bytes is ( > 0, > 0), Cancel);
        var late = await Assert.ThrowsAsync<CheckpointerException>(
            () => agents.ReportShardAsync(Shard(agents, save, second), Cancel));
        Assert.Equal(ErrorCode.StaleAttempt, late.Code);
    }

    [Fact]
    public async Task AbandonedSave_OfTheCurrentAttempt_Goes_AndTheZombieThatWritesOnIsSweptAgain()
    {
        await using var service = await StartAsync(options => options with { CheckpointDeadline = TimeSpan.FromSeconds(1) });
        var agents = new FakeAgents(service.Http, service.Store);
        var attempt = await agents.JoinAllAsync("one", Cancel);
        var save = new CheckpointId(new Step(1), attempt);
        await agents.SealAsync(attempt, 1, 0, Cancel);
        await agents.SealAsync(attempt, 1, 1, Cancel);
        _ = await agents.ReportShardAsync(await agents.StoreAsync(save, 0, Cancel), Cancel);
        _ = await Eventually.GetAsync(
            () => service.GetAsync($"v1/runs/demo/checkpoints/{save}", Json.CheckpointSummary, Cancel),
            summary => summary.State == CheckpointState.Abandoned,
            Cancel);

        for (var round = 0; round < 2; round++)
        {
            await PutSaveAsync(agents, service.Store, save, Old);
            _ = await SweptAsync(service.Store, keys => !keys.Any(key => key.Contains("/000000000001.000001/", StringComparison.Ordinal)));
            var refused = await Assert.ThrowsAsync<CheckpointerException>(
                () => agents.ReportShardAsync(Shard(agents, save, attempt), Cancel));
            Assert.Equal(ErrorCode.CheckpointConflict, refused.Code);
        }
    }

    [Fact]
    public async Task PacksThatACommittedIndexNames_Stay_EvenIfTheRunSaysTheirSaveIsOver()
    {
        var (lost, gone) = (new CheckpointId(new Step(1), new Attempt(1)), new CheckpointId(new Step(2), new Attempt(1)));
        await using (var quiet = await RunningService.StartAsync(_folder.Path))
        {
            var run = new FakeAgents(quiet.Http, quiet.Store, worldSize: 1);
            _ = await run.JoinAllAsync("one", Cancel);
            await PutSaveAsync(run, quiet.Store, lost, Old);
            await PutSaveAsync(run, quiet.Store, gone, Old);
            var second = await run.JoinAllAsync("two", Cancel);

            // As no writer of ours would: an index that names a pack of a save that was never committed.
            var checkpoint = new CheckpointId(new Step(3), second);
            await run.SealAsync(second, 3, 0, Cancel);
            _ = await run.ReportShardAsync(await run.StoreAsync(checkpoint, 0, Cancel, packsOf: lost), Cancel);
            _ = await CommittedAsync(quiet, checkpoint);
        }

        await using var service = await StartAsync();
        var keys = await SweptAsync(service.Store, found => !found.Any(key => key.Contains("/000000000002.000001/", StringComparison.Ordinal)));

        Assert.Contains(RepositoryKeys.Pack(FakeAgents.DemoRun, lost, new Rank(0), 0).Value, keys);
    }

    [Fact]
    public async Task JournalOlderThanTheStore_SweepsNothing()
    {
        await using var service = await StartAsync();
        var agents = new FakeAgents(service.Http, service.Store, worldSize: 1);
        var other = new FakeAgents(service.Http, service.Store, worldSize: 1, run: "other");
        foreach (var run in (FakeAgents[])[agents, other])
        {
            var first = await run.JoinAllAsync("one", Cancel);
            _ = await run.JoinAllAsync("two", Cancel);
            if (run == agents)
            {
                await PutAsync(service.Store, RepositoryKeys.AttemptRecord(run.Run, new Attempt(3)).Value, Old);
            }

            await PutSaveAsync(run, service.Store, new CheckpointId(new Step(1), first), Old);
        }

        // The other run's garbage goes, so a sweep went over both.
        var keys = await SweptAsync(service.Store, found => !found.Any(key => key.StartsWith("runs/other/packs/", StringComparison.Ordinal)));

        Assert.Contains(RepositoryKeys.Pack(agents.Run, new CheckpointId(new Step(1), new Attempt(1)), new Rank(0), 0).Value, keys);
    }

    private static string Packs(long step, int attempt) =>
        $"{RepositoryKeys.Packs(FakeAgents.DemoRun)}{RepositoryKeys.Folder(new CheckpointId(new Step(step), new Attempt(attempt)))}/";

    private static async Task<CheckpointId> CommitAsync(RunningService service, FakeAgents agents, Attempt attempt, long step)
    {
        var checkpoint = await agents.SaveAsync(attempt, step, Cancel);
        return (await CommittedAsync(service, checkpoint)).Checkpoint;
    }

    private static Task<CheckpointSummary> CommittedAsync(RunningService service, CheckpointId checkpoint) => Eventually.GetAsync(
        () => service.GetAsync($"v1/runs/demo/checkpoints/{checkpoint}", Json.CheckpointSummary, Cancel),
        summary => summary.State == CheckpointState.Committed,
        Cancel);

    private static ShardReport Shard(FakeAgents agents, CheckpointId save, Attempt attempt) => new()
    {
        Attempt = attempt,
        Checkpoint = save,
        Rank = new Rank(1),
        IndexSha256 = new string('a', 64),
        IndexBytes = 100,
        Image = agents.Image(save.Step.Value, 1),
        StoredBytes = 1,
        PackBytes = 1,
        DrainMs = 1,
    };

    private static async Task<List<string>> KeysAsync(IObjectStore store)
    {
        var keys = new List<string>();
        await foreach (var info in store.ListAsync("", Cancel))
        {
            keys.Add(info.Key.Value);
        }

        return keys;
    }

    private static Task<List<string>> SweptAsync(IObjectStore store, Func<List<string>, bool> holds) =>
        Eventually.GetAsync(() => KeysAsync(store), holds, Cancel);

    /// <summary>Every rank's index and one pack, as an agent leaves them that dies before it reports.</summary>
    private async Task PutSaveAsync(FakeAgents agents, IObjectStore store, CheckpointId save, TimeSpan age)
    {
        for (var rank = 0; rank < agents.WorldSize; rank++)
        {
            await PutAsync(store, RepositoryKeys.Pack(agents.Run, save, new Rank(rank), 0).Value, age);
            await PutAsync(store, RepositoryKeys.Index(agents.Run, save, new Rank(rank)).Value, age);
        }
    }

    private async Task PutAsync(IObjectStore store, string key, TimeSpan age)
    {
        await store.PutAsync(new ObjectKey(key), new ObjectContent(new byte[1]), Cancel);
        File.SetLastWriteTimeUtc(
            Path.Combine(RunningService.StorePath(_folder.Path), key), (TimeProvider.System.GetUtcNow() - age).UtcDateTime);
    }

    private Task<RunningService> StartAsync(Func<Service.Hosting.ServiceOptions, Service.Hosting.ServiceOptions>? change = null) =>
        RunningService.StartAsync(_folder.Path, options =>
        {
            options = options with { SweepInterval = TimeSpan.FromMilliseconds(100), SweepGrace = TimeSpan.FromMinutes(1) };
            return change?.Invoke(options) ?? options;
        });

    /// <summary>What the metric says was deleted, by reason.</summary>
    private sealed class SweptBytes : IDisposable
    {
        private readonly MeterListener _listener = new();
        private readonly Dictionary<string, long> _bytes = [];

        public SweptBytes()
        {
            _listener.InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Name == ServiceTelemetry.SweptBytes)
                {
                    self.EnableMeasurementEvents(instrument);
                }
            };
            _listener.SetMeasurementEventCallback<long>((_, value, tags, _) =>
            {
                lock (_bytes)
                {
                    var reason = (string)tags[0].Value!;
                    _bytes[reason] = _bytes.GetValueOrDefault(reason) + value;
                }
            });
            _listener.Start();
        }

        public long this[string reason]
        {
            get
            {
                lock (_bytes)
                {
                    return _bytes.GetValueOrDefault(reason);
                }
            }
        }

        public void Dispose() => _listener.Dispose();
    }
}
