using System.Net.Sockets;
using Checkpointer.Formats.Errors;

namespace Checkpointer.Agent.Hosting;

/// <summary>The Unix socket's file: made room for before Kestrel binds it, opened to the group after.</summary>
internal static class TrainerSocket
{
    private const UnixFileMode FolderMode =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute;

    private const UnixFileMode SocketMode =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

    /// <summary>
    /// Makes the folder, and removes a socket that an agent which was killed left. <c>configuration_invalid</c> if
    /// somebody listens there, or if what is there is no socket.
    /// </summary>
    public static async Task PrepareAsync(string path, CancellationToken cancellationToken)
    {
        var folder = Path.GetDirectoryName(path)!;
        if (!Directory.Exists(folder))
        {
            Directory.CreateDirectory(folder, FolderMode);
        }

        if (!Path.Exists(path))
        {
            return;
        }

        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await probe.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused && IsSocket(path))
        {
            File.Delete(path);
            return;
        }
        catch (SocketException e)
        {
            throw new CheckpointerException(
                ErrorCode.ConfigurationInvalid, $"The agent's Socket '{path}' cannot be used: {e.Message}.", inner: e);
        }

        throw new CheckpointerException(
            ErrorCode.ConfigurationInvalid, $"Another agent listens at the agent's Socket '{path}'. End it, or give this one another path.");
    }

    /// <summary>Lets the group connect too; until now only the owner could.</summary>
    public static void Open(string path) => File.SetUnixFileMode(path, SocketMode);

    /// <summary>
    /// A refused connection comes from a regular file too: only what cannot be opened as a file (ENXIO) is a socket.
    /// </summary>
    private static bool IsSocket(string path)
    {
        try
        {
            using var handle = File.OpenHandle(path);
            return false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return !Directory.Exists(path);
        }
    }
}
