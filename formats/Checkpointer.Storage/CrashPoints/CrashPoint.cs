using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace Checkpointer.Storage.CrashPoints;

/// <summary>
/// A named place between two steps of something durable. In production it does nothing. When the environment names it
/// in <see cref="EnvironmentVariable"/> (tests only), the process kills itself there with SIGKILL, as a power cut
/// would: no handler runs, no buffer is flushed. <c>name:3</c> dies at the third time it is reached.
/// With <see cref="ListenerVariable"/> (tests only), it tells a listener of the points that it wants to hear of and waits there
/// for its word, so that the listener can do what it likes to this process or to another at that very moment.
/// </summary>
public static partial class CrashPoint
{
    /// <summary>The environment variable that arms a crash point.</summary>
    public const string EnvironmentVariable = "CHECKPOINTER_CRASH_AT";

    /// <summary>
    /// The environment variable that names the Unix socket of a listener and the points that it wants to hear of:
    /// <c>path;name;name</c>.
    /// </summary>
    public const string ListenerVariable = "CHECKPOINTER_CRASH_POINT_LISTENER";

    private const int SigKill = 9;

    private static readonly string[]? Listener = Environment.GetEnvironmentVariable(ListenerVariable)?.Split(';');

    private static readonly string? Armed = ParseArmed(out _countDown);

    private static readonly AsyncLocal<Action<string>?> Watcher = new();

    private static int _countDown;

    private static volatile bool _isWatched;

    /// <summary>Dies here if the environment says so. <paramref name="name"/> is one of <see cref="CrashPointNames"/>.</summary>
    public static void Reach(string name)
    {
        if (Armed is not null && Armed == name && Interlocked.Decrement(ref _countDown) == 0)
        {
            _ = Kill(Environment.ProcessId, SigKill);
        }

        if (_isWatched)
        {
            Watcher.Value?.Invoke(name);
        }

        if (Listener is not null && Listener.AsSpan(1).Contains(name))
        {
            Announce(Listener[0], name);
        }
    }

    /// <summary>
    /// Has <paramref name="watcher"/> called with the name of each crash point that the caller's flow of execution reaches from
    /// now on, and what it starts; null ends that. For tests that decide what comes between two steps of something durable.
    /// </summary>
    internal static void Watch(Action<string>? watcher)
    {
        _isWatched = true;
        Watcher.Value = watcher;
    }

    // A connection each time: any thread may reach a point while another waits at one.
    private static void Announce(string listener, string name)
    {
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            socket.Connect(new UnixDomainSocketEndPoint(listener));
            _ = socket.Send(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId} {name}\n")));
            _ = socket.Receive(new byte[1]);
        }
        catch (SocketException)
        {
            // The test is over, and so is its interest.
        }
    }

    private static string? ParseArmed(out int countDown)
    {
        countDown = 1;
        var setting = Environment.GetEnvironmentVariable(EnvironmentVariable);
        if (string.IsNullOrEmpty(setting))
        {
            return null;
        }

        var colon = setting.LastIndexOf(':');
        if (colon < 0)
        {
            return setting;
        }

        countDown = int.Parse(setting.AsSpan(colon + 1), CultureInfo.InvariantCulture);
        return setting[..colon];
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int pid, int signal);
}
