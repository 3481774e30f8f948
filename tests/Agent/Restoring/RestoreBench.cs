using System.Diagnostics.Metrics;
using Checkpointer.Agent.Arenas;
using Checkpointer.Agent.Restoring;
using Checkpointer.Agent.Telemetry;
using Checkpointer.Agent.Tests.Worlds;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;
using Checkpointer.Storage;
using Checkpointer.Storage.Repository;
using Checkpointer.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace Checkpointer.Agent.Tests.Restoring;

/// <summary>A store, peers and the restoring code over them, with plain memory for the image.</summary>
internal sealed class RestoreBench : IDisposable
{
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly TemporaryFolder _folder = new();
    private readonly PeerClient _peers = PeerClient.Create();

    public RestoreBench()
    {
        Store = ObjectStores.Open(_folder.Path);
        Journal = new RestoreJournal(new AgentTelemetry(_services.GetRequiredService<IMeterFactory>()));
    }

    public static ImageSource Storage { get; } = new() { Tier = Tier.Storage };

    public IObjectStore Store { get; }

    public RestoreJournal Journal { get; }

    public static ImageSource Memory(FakePeer peer) => Memory(peer.Address);

    public static ImageSource Memory(string address) =>
        new() { Tier = Tier.Memory, Node = "node-b", Address = address };

    /// <summary>Rebuilds <paramref name="rank"/>'s image of <paramref name="layout"/> by <paramref name="plan"/>.</summary>
    public async Task<byte[]> RebuildAsync(
        RecoveryPlan plan, Rank rank, Layout layout, long bufferBytes = 8 * TestWorld.DefaultChunkBytes)
    {
        var token = TestContext.Current.CancellationToken;
        var stored = new StoredCheckpoint(Store, TestWorld.Run, TestWorld.Checkpoint, token);
        using var readers = new CheckpointReaders(
            plan,
            (planned, source) => source.Tier == Tier.Storage
                ? new StorageImageSource(stored, planned.Rank, planned.Layout)
                : new PeerImageSource(
                    _peers.Http,
                    TimeProvider.System,
                    source.Node!,
                    PeerImageSource.AddressOf(new Uri(source.Address!), TestWorld.Run, planned.Rank, TestWorld.Checkpoint),
                    TestWorld.Checkpoint),
            Journal,
            parallelism: 3,
            bufferBytes);
        var image = new ImageInMemory(layout.ImageBytes);
        await ImageRebuilder.RebuildAsync(readers, rank, layout, image, 3, token);
        return image.Bytes;
    }

    /// <summary>Files of the store whose names end so.</summary>
    public string[] Files(string ending) =>
        Directory.GetFiles(_folder.Path, "*" + ending, SearchOption.AllDirectories).Order(StringComparer.Ordinal).ToArray();

    /// <summary>Flips one bit of a file.</summary>
    public static void Flip(string path, long offset)
    {
        var bytes = File.ReadAllBytes(path);
        bytes[offset < 0 ? bytes.Length + offset : offset] ^= 0x04;
        File.WriteAllBytes(path, bytes);
    }

    private sealed class ImageInMemory(long length) : IImageTarget
    {
        public byte[] Bytes { get; } = new byte[length];

        public Memory<byte> Write(long offset, int length) => Bytes.AsMemory((int)offset, length);

        public ValueTask FillAsync(long offset, int length, Func<Memory<byte>, ValueTask> read) => read(Write(offset, length));
    }

    public void Dispose()
    {
        _peers.Dispose();
        _folder.Dispose();
        _services.Dispose();
    }
}
