using System.Net.Sockets;
using System.Text;
using Checkpointer.Storage.CrashPoints;
using Checkpointer.Storage.Tests.FileSystem;
using Checkpointer.TestKit;
using Checkpointer.TestKit.Processes;

namespace Checkpointer.Crash.Tests;

/// <summary>A process that has a listener waits at the points that this one wants to hear of, and at no other.</summary>
public sealed class ListenerTests : IDisposable
{
    private const string KeyText = "runs/r/packs/000001.000001/000000-000000.pack";

    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Put_WithAListener_WaitsAtThePointsThatItWantsUntilItIsLetGoOn()
    {
        var path = _folder.File("listener");
        var store = _folder.File("store");
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        string[] wanted = [CrashPointNames.FilePutSynced, CrashPointNames.FilePutNamed];
        var put = ChildProcess.ExecuteAsync(
            ChildProcess.CommandLine(StoreChildren.Put, [store, KeyText, "1000", "1"]),
            crashAt: null,
            Cancel,
            new Dictionary<string, string?> { [CrashPoint.ListenerVariable] = string.Join(';', [path, .. wanted]) });

        foreach (var point in wanted)
        {
            using var process = await listener.AcceptAsync(Cancel);
            var said = new byte[100];
            var length = await process.ReceiveAsync(said, Cancel);
            Assert.Matches($"^[0-9]+ {point}\n$", Encoding.ASCII.GetString(said, 0, length));
            Assert.Equal(point == CrashPointNames.FilePutNamed, File.Exists(Path.Combine(store, KeyText)));
            Assert.False(put.IsCompleted);
            _ = await process.SendAsync("!"u8.ToArray(), Cancel);
        }

        Assert.Equal(0, (await put).ExitCode);
    }
}
