using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using Checkpointer.Contracts;
using Checkpointer.Contracts.Agents;
using Checkpointer.Contracts.Problems;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Coordination;
using Checkpointer.Service.Stores;
using Checkpointer.Service.Tests.Driving;
using Checkpointer.Storage;
using Checkpointer.Storage.Repository;
using Checkpointer.TestKit;
using Checkpointer.TestKit.Faults;
using Checkpointer.TestKit.Stores;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace Checkpointer.Service.Tests.Stores;

public sealed class StoreGateTests : IDisposable
{
    private static readonly ContractsJsonContext Json = ContractsJsonContext.Default;

    private readonly TemporaryFolder _folder = new();
    private volatile bool _away;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task StoreThatIgnoresPutIfAbsent_KeepsTheServiceFromStarting_AndIsExplained()
    {
        var refused = await Assert.ThrowsAnyAsync<CheckpointerException>(
            () => RunningService.StartAsync(_folder.Path, decorate: _ => new UnconditionalStore()));

        Assert.Equal(ErrorCode.StorageFailed, refused.Code);
        Assert.Contains("put-if-absent", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refused.Message);

        // The journal, which is open by then, is closed again.
        await using var service = await RunningService.StartAsync(_folder.Path);
    }

    [Fact]
    public async Task FirstStart_CreatesTheRepository_AndLaterOnesKeepIt()
    {
        string id;
        await using (var first = await RunningService.StartAsync(_folder.Path))
        {
            id = (await first.GetAsync("v1/store", Json.StoreStatus, Cancel)).Repository!;
            Assert.Equal(id, (await RepositoryIdentity.FindAsync(first.Store, Cancel))!.Id);
        }

        await using var second = await RunningService.StartAsync(_folder.Path);
        var ready = await second.GetAsync("healthz/ready", Json.Readiness, Cancel);
        Assert.Equal(("ok", id, true), (ready.Status, ready.Store.Repository, ready.Store.Ready));
        Assert.NotNull(ready.Store.ClockSkewSeconds);
    }

    [Fact]
    public async Task StoreAwayAtStart_DelaysCommitsOnly()
    {
        CheckpointId checkpoint;
        await using (var before = await RunningService.StartAsync(_folder.Path))
        {
            _ = await new FakeAgents(before.Http, before.Store).JoinAllAsync("one", Cancel);
        }

        _away = true;
        await using var service = await RunningService.StartAsync(_folder.Path, decorate: Switched);
        var problem = await ProblemAsync(service, "healthz/ready");
        Assert.Equal((HttpStatusCode.ServiceUnavailable, ErrorCode.StorageUnavailable), (problem.Status, problem.Error.Code));
        Assert.StartsWith("store: ", problem.Error.Message, StringComparison.Ordinal);

        // A run that is known goes on: joins are granted, steps and shards are taken.
        var agents = new FakeAgents(service.Http, service.Store);
        var attempt = await agents.JoinAllAsync("two", Cancel);
        Assert.Equal(new Attempt(2), attempt);
        checkpoint = await agents.SaveAsync(attempt, 1, Cancel);
        Assert.Equal(CheckpointState.Committing, (await CheckpointAsync(service, checkpoint)).State);
        Assert.Null(await service.Store.HeadAsync(RepositoryKeys.Manifest(agents.Run, checkpoint), Cancel));

        _away = false;
        _ = await Eventually.GetAsync(
            () => CheckpointAsync(service, checkpoint), summary => summary.State == CheckpointState.Committed, Cancel);
        _ = await service.GetAsync("healthz/ready", Json.Readiness, Cancel);
    }

    [Fact]
    public async Task StoreFoundBrokenAfterAnOutage_StopsTheService()
    {
        _away = true;
        await using var service = await RunningService.StartAsync(
            _folder.Path, decorate: _ => Switched(new UnconditionalStore()));
        var stopping = service.Stopping;
        Assert.False(stopping.IsCancellationRequested);

        _away = false;

        _ = await Eventually.GetAsync(() => Task.FromResult(stopping.IsCancellationRequested), stopped => stopped, Cancel);
    }

    /// <summary>Each failure has another request number and is met at another probe's prefix: neither makes it another cause.</summary>
    [Fact]
    public async Task StoreAwayForTwoCauses_LogsEachOnce_WithTheRequestThatMetIt()
    {
        var time = new FakeTimeProvider();
        var store = new UnavailableStore("no disk answers");
        var log = new GateLog();
        _away = true;
        await using var service = await RunningService.StartAsync(_folder.Path, decorate: Switched);
        using var gate = new StoreGate(
            service.Services.GetRequiredService<RunHost>(),
            store,
            () => new Random(1),
            time,
            service.Services.GetRequiredService<IHostApplicationLifetime>(),
            log);
        await gate.StartAsync(Cancel);

        await TriesAsync(3);
        store.Cause = "no monitor answers";
        await TriesAsync(6);
        Assert.Contains("no monitor answers", gate.Describe().Problem, StringComparison.Ordinal);
        await gate.StopAsync(Cancel);

        Assert.Collection(
            log.Waiting,
            line => Assert.EndsWith("no disk answers [request 1]", line, StringComparison.Ordinal),
            line => Assert.Matches("no monitor answers \\[request [45]\\]$", line));

        Task TriesAsync(int count) => Eventually.GetAsync(
            () =>
            {
                time.Advance(TimeSpan.FromSeconds(2));
                return Task.FromResult(store.Tries);
            },
            tries => tries >= count,
            Cancel);
    }

    [Fact]
    public async Task FolderMovedAway_IsNotReady_UntilItIsBack()
    {
        await using var service = await RunningService.StartAsync(_folder.Path);
        var path = RunningService.StorePath(_folder.Path);
        _ = await service.GetAsync("healthz/ready", Json.Readiness, Cancel);

        Directory.Move(path, _folder.File("moved"));
        var problem = await Eventually.GetAsync(
            () => ProblemAsync(service, "healthz/ready"), found => found.Status != HttpStatusCode.OK, Cancel);
        Assert.Equal(ErrorCode.StorageUnavailable, problem.Error.Code);
        Assert.Contains(path, problem.Error.Message, StringComparison.Ordinal);

        Directory.Move(_folder.File("moved"), path);
        _ = await Eventually.GetAsync(
            () => ProblemAsync(service, "healthz/ready"), found => found.Status == HttpStatusCode.OK, Cancel);
    }

    [Fact]
    public async Task JoinFromAnotherStore_IsRefused_AndToldOnce()
    {
        await using var service = await RunningService.StartAsync(_folder.Path);
        var agents = new FakeAgents(service.Http, service.Store);
        _ = await agents.JoinAllAsync("one", Cancel);
        var ours = (await service.GetAsync("v1/store", Json.StoreStatus, Cancel)).Repository!;
        var other = new AgentStore { Description = "file system at /elsewhere", Reachable = true, Repository = new string('a', 32) };

        for (var tries = 0; tries < 3; tries++)
        {
            var refused = await Assert.ThrowsAsync<CheckpointerException>(() => JoinAsync(agents, other));
            Assert.Equal((ErrorCode.StoreMismatch, false), (refused.Code, refused.IsTransient));
            Assert.Contains("/elsewhere", refused.Message, StringComparison.Ordinal);
            Assert.Contains(service.Store.Description, refused.Message, StringComparison.Ordinal);
            Assert.Contains(ours, refused.Message, StringComparison.Ordinal);
        }

        var incidents = await service.GetAsync("v1/runs/demo/incidents", Json.PageIncident, Cancel);
        Assert.Equal(IncidentKind.StoreMismatch, Assert.Single(incidents.Items).Kind);
        _ = await Assert.ThrowsAsync<CheckpointerException>(() => JoinAsync(agents, other with { Repository = null }));
        Assert.Equal(2, (await service.GetAsync("v1/runs/demo/incidents", Json.PageIncident, Cancel)).Items.Count);
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(false, false)]
    [InlineData(false, true)]
    public async Task JoinFromTheSameStore_OrOneNotSeenYet_IsLetIn(bool reachable, bool known)
    {
        await using var service = await RunningService.StartAsync(_folder.Path);
        var ours = (await service.GetAsync("v1/store", Json.StoreStatus, Cancel)).Repository;

        var result = await JoinAsync(
            new FakeAgents(service.Http, service.Store, worldSize: 1),
            new AgentStore { Description = "another name of it", Reachable = reachable, Repository = known ? ours : null });

        Assert.Equal(JoinState.Granted, result.State);
    }

    [Fact]
    public async Task Heartbeat_OfAnotherStore_ShowsInTheListOfAgents()
    {
        await using var service = await RunningService.StartAsync(_folder.Path);
        var ours = (await service.GetAsync("v1/store", Json.StoreStatus, Cancel)).Repository;
        string?[] repositories = [ours, new string('b', 32), null];
        for (var i = 0; i < repositories.Length; i++)
        {
            var presence = new AgentPresence
            {
                Node = $"n{i}",
                Instance = "1",
                Address = "http://10.0.0.1:1",
                Holdings = [],
                Store = new AgentStore { Description = "d", Reachable = i < 2, Repository = repositories[i] },
            };
            using var response = await service.Http.PostAsJsonAsync("v1/agents/heartbeat", presence, Json.AgentPresence, Cancel);
            Assert.Equal(ours, (await response.Content.ReadFromJsonAsync(Json.HeartbeatResult, Cancel))!.Repository);
        }

        var first = await service.GetAsync("v1/agents?limit=2", Json.PageAgentSummary, Cancel);
        Assert.Equal(new bool?[] { true, false }, first.Items.Select(agent => agent.StoreMatches));
        var rest = await service.GetAsync($"v1/agents?after={first.Next}", Json.PageAgentSummary, Cancel);
        Assert.Equal(("n2", null, true, null), (rest.Items.Single().Node, rest.Items[0].StoreMatches, rest.Items[0].Alive, rest.Next));
    }

    private static Task<CheckpointSummary> CheckpointAsync(RunningService service, CheckpointId checkpoint) =>
        service.GetAsync($"v1/runs/demo/checkpoints/{checkpoint}", Json.CheckpointSummary, Cancel);

    private static Task<JoinResult> JoinAsync(FakeAgents agents, AgentStore store) => agents.PostAsync(
        "join",
        new JoinRun
        {
            Incarnation = "another",
            Rank = new Rank(0),
            WorldSize = agents.WorldSize,
            Agent = agents.Presence(0) with { Store = store },
            WaitMs = 0,
        },
        Json.JoinRun,
        Json.JoinResult,
        Cancel);

    private static async Task<(HttpStatusCode Status, CheckpointerException Error)> ProblemAsync(RunningService service, string path)
    {
        using var response = await service.Http.GetAsync(path, Cancel);
        return (
            response.StatusCode,
            response.IsSuccessStatusCode ? new CheckpointerException(ErrorCode.Internal, "") : await ProblemReader.ReadAsync(response, Cancel));
    }

    private FaultInjectingObjectStore Switched(IObjectStore store) =>
        new(store, (_, _) => _away ? StoreFault.FailBefore : StoreFault.None, TimeProvider.System);

    private sealed class UnavailableStore(string cause) : MemoryObjectStore(TimeProvider.System)
    {
        private int _tries;

        public volatile string Cause = cause;

        public int Tries => Volatile.Read(ref _tries);

        public override Task PutAsync(ObjectKey key, ObjectContent content, CancellationToken cancellationToken) =>
            throw new CheckpointerException(ErrorCode.StorageUnavailable, $"Could not put '{key}': {Cause}", isTransient: true)
            {
                RequestId = $"{Interlocked.Increment(ref _tries)}",
            };
    }

    private sealed class GateLog : ILogger<StoreGate>
    {
        public ConcurrentQueue<string> Waiting { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (eventId.Id == 1401)
            {
                Waiting.Enqueue(formatter(state, exception));
            }
        }
    }

    private sealed class UnconditionalStore() : MemoryObjectStore(TimeProvider.System)
    {
        public override async Task<PutOutcome> PutIfAbsentAsync(
            ObjectKey key, ObjectContent content, CancellationToken cancellationToken)
        {
            await PutAsync(key, content, cancellationToken);
            return PutOutcome.Created;
        }
    }
}
