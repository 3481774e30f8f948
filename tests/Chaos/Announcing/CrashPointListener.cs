using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Checkpointer.Storage.CrashPoints;

namespace Checkpointer.Chaos.Announcing;

/// <summary>
/// Hears of the crash points that processes of the cluster reach, while each waits there: lets it go on at once, unless it is
/// the one that a strike waits for. Thread-safe.
/// </summary>
internal sealed class CrashPointListener : IAsyncDisposable
{
    private const int LongestLine = 200;

    private readonly Socket _listener;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;
    private readonly Lock _gate = new();
    private (IReadOnlyList<string> Points, TaskCompletionSource<Announcement> Found)? _armed;

    /// <summary>Listens at <paramref name="path"/>; every process that is started from here on tells it of <paramref name="points"/>.</summary>
    public CrashPointListener(string path, IEnumerable<string> points)
    {
        _listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        _listener.Bind(new UnixDomainSocketEndPoint(path));
        _listener.Listen(512);
        Environment.SetEnvironmentVariable(CrashPoint.ListenerVariable, string.Join(';', [path, .. points]));
        _accepting = AcceptAsync();
    }

    /// <summary>The next process to reach one of <paramref name="points"/> stays there. One at a time.</summary>
    public Task<Announcement> Arm(IReadOnlyList<string> points)
    {
        lock (_gate)
        {
            var found = new TaskCompletionSource<Announcement>(TaskCreationOptions.RunContinuationsAsynchronously);
            _armed = (points, found);
            return found.Task;
        }
    }

    /// <summary>Nobody is waited for any more.</summary>
    public void Disarm()
    {
        lock (_gate)
        {
            _armed = null;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Environment.SetEnvironmentVariable(CrashPoint.ListenerVariable, null);
        await _stop.CancelAsync();
        await _accepting;
        _listener.Dispose();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            try
            {
                _ = AnswerAsync(await _listener.AcceptAsync(_stop.Token));
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private async Task AnswerAsync(Socket connection)
    {
        using (connection)
        {
            try
            {
                var line = new byte[LongestLine];
                var length = await connection.ReceiveAsync(line, _stop.Token);
                var words = Encoding.ASCII.GetString(line, 0, length).TrimEnd('\n').Split(' ');
                if (words.Length != 2)
                {
                    return; // killed while it wrote
                }

                await HoldAsync(int.Parse(words[0], CultureInfo.InvariantCulture), words[1]);
                _ = await connection.SendAsync("!"u8.ToArray(), _stop.Token);
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                // It was killed where it waited, or all is over.
            }
        }
    }

    private Task HoldAsync(int pid, string point)
    {
        lock (_gate)
        {
            if (_armed is not { } armed || !armed.Points.Contains(point))
            {
                return Task.CompletedTask;
            }

            _armed = null;
            var announcement = new Announcement(pid, point);
            armed.Found.SetResult(announcement);
            return announcement.Released.WaitAsync(_stop.Token);
        }
    }
}
