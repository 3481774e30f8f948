using Checkpointer.Agent.Tests.Arenas;
using Checkpointer.Contracts.Runs;
using Checkpointer.Contracts.Trainers;
using Checkpointer.Formats.Identity;
using Checkpointer.Storage;
using Checkpointer.Storage.CrashPoints;
using Checkpointer.TestKit;
using Checkpointer.TestKit.Processes;

namespace Checkpointer.Agent.Tests.Draining;

/// <summary>An agent is killed at every point of a save, and another one takes over.</summary>
public sealed class EngineCrashTests : IDisposable
{
    private readonly TemporaryFolder _folder = new("/dev/shm");

    public static TheoryData<string> CrashPoints => new(
        typeof(CrashPointNames).GetFields()
            .Where(name => name.Name.StartsWith("Snapshot", StringComparison.Ordinal)
                || name.Name.StartsWith("Drain", StringComparison.Ordinal))
            .Select(name => (string)name.GetRawConstantValue()!)
            .Append(CrashPointNames.DrainPackPut + ":2"));

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(CrashPoints))]
    public async Task Save_KilledAt_IsFinishedByTheNextAgent(string crashAt)
    {
        var killed = await ChildProcess.RunAsync(
            EngineChildren.Save, [_folder.Path], crashAt, TestContext.Current.CancellationToken);
        Assert.True(killed.WasKilled, killed.ToString());

        var store = ObjectStores.Open(_folder.File("store"));
        var image = TestImage.Bytes(EngineChildren.Layout, 1);
        await using var engine = await Engine.StartAsync(_folder.File("arena"), store, draining: EngineChildren.Draining);
        var pool = engine.Arenas.Find(TestImage.Run, new Rank(0))!;
        if (crashAt == CrashPointNames.SnapshotOpened)
        {
            // The trainer sees another agent instance and begins the same step again.
            Assert.Empty(engine.Arenas.Holdings);
            await Engine.EventuallyAsync(() => pool.Locations.Count == 2, "the open slot is made anew");
            await Engine.SaveAsync(pool, 10, image, durable: true, until: SnapshotState.Durable, extra: """{"data_cursor":7}""");
        }

        await Engine.ReachAsync(pool, 10, SnapshotState.Durable);

        var report = Assert.Single(engine.Service.Shards);
        Assert.Equal(image[..9_500], await ShardReader.ReadAsync(store, TestImage.Run, report));
        var index = await ShardReader.ReadIndexAsync(store, TestImage.Run, TestImage.Id(10));
        Assert.Equal("""{"data_cursor":7}""", System.Text.Encoding.UTF8.GetString(index.Extra.Span));
        Assert.Equal(4, index.WorldSize);
        Assert.Equal(TestImage.Id(10), Assert.Single(engine.Arenas.Holdings).Checkpoint);
        Assert.Equal(SnapshotOutcome.Sealed, engine.Service.Snapshots[0].Outcome);

        // The checkpoint is durable now, and a third agent knows.
        await engine.DisposeAsync();
        await using var third = await Engine.StartAsync(_folder.File("arena"), store, draining: EngineChildren.Draining);
        Assert.Equal(SnapshotState.Durable, (await Engine.ReachAsync(
            third.Arenas.Find(TestImage.Run, new Rank(0))!, 10, SnapshotState.Durable)).State);
        Assert.Equal(0, third.Arenas.PendingDrains);
        Assert.Empty(third.Service.Shards);
    }
}
