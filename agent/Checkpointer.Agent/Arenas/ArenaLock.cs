using Checkpointer.Formats.Errors;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Agent.Arenas;

/// <summary>Keeps two agents from one node's folder. The kernel lets it go when the process dies.</summary>
internal sealed class ArenaLock : IDisposable
{
    private readonly SafeFileHandle _handle;

    private ArenaLock(SafeFileHandle handle) => _handle = handle;

    public static ArenaLock Take(string folder)
    {
        var path = Path.Combine(folder, "agent.lock");
        if (SharedMemory.OpenFile(path, create: true, out var handle) != 0
            && SharedMemory.OpenFile(path, create: false, out handle) is var errno and not 0)
        {
            throw new CheckpointerException(ErrorCode.ConfigurationInvalid, $"Could not open '{path}' (errno {errno}).");
        }

        if (SharedMemory.TryLock(handle!) != 0)
        {
            handle!.Dispose();
            throw new CheckpointerException(
                ErrorCode.ConfigurationInvalid,
                $"Another agent runs on '{folder}'. Each agent of a machine needs a node name or an arena root of its own.");
        }

        return new ArenaLock(handle!);
    }

    public void Dispose() => _handle.Dispose();
}
