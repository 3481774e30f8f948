using System.Runtime.InteropServices;

namespace Checkpointer.Cli.Doctor.Checks;

/// <summary>Whether trainers can reach the agent's socket: its folder, and the socket's own mode.</summary>
internal sealed partial class SocketCheck : ICheck
{
    private const int WriteAccess = 2;
    private const int MaxPathBytes = 107;

    public Task<IReadOnlyList<Finding>> RunAsync(Surroundings surroundings, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<Finding>>([Look(surroundings.Options.Socket, surroundings.Options.SocketAskedFor)]);

    private static Finding Look(string path, bool askedFor)
    {
        var folder = Path.GetDirectoryName(path)!;
        if (System.Text.Encoding.UTF8.GetByteCount(path) > MaxPathBytes)
        {
            return Finding.Failed($"'{path}' is longer than the {MaxPathBytes} bytes that Linux allows", "Give a shorter --socket PATH.");
        }

        if (!Directory.Exists(folder))
        {
            return Finding.Missing(askedFor, $"folder '{folder}' is not there", $"mkdir -p '{folder}', writable for the agent's user.");
        }

        var isThere = File.Exists(path);
        if (!isThere)
        {
            return Access(folder, WriteAccess) == 0
                ? Finding.Ok($"folder '{folder}' can be written; no socket in it yet")
                : Finding.Missing(askedFor, $"folder '{folder}' cannot be written by this user", $"Let the agent's user own it: chown USER '{folder}'.");
        }

        if ((File.GetAttributes(path) & FileAttributes.Directory) != 0)
        {
            return Finding.Failed($"'{path}' is a folder", "Give another --socket PATH, or remove the folder.");
        }

        var mode = $"mode 0{Convert.ToString((int)File.GetUnixFileMode(path), 8)}";
        return Access(path, WriteAccess) != 0
            ? Finding.Failed($"'{path}' ({mode}) cannot be used by this user", "Put trainers into the socket's group, or run them as the agent's user.")
            : (File.GetUnixFileMode(path) & UnixFileMode.OtherWrite) != 0
                ? Finding.Warning($"'{path}' ({mode}) lets every user in", $"chmod 660 '{path}'; the agent makes it so itself.")
                : Finding.Ok($"'{path}' ({mode}) can be used by this user");
    }

    [LibraryImport("libc", EntryPoint = "access", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Access(string path, int mode);
}
