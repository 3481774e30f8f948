using Checkpointer.Formats.Errors;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Agent.Arenas;

/// <summary>Keeps two agents from one node's folder. The kernel lets it go when the process dies.</summary>
internal sealed class ArenaLock : IDisposable
{
    // A process that was killed keeps its lock until the kernel has taken its memory apart.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(50);

    private readonly SafeFileHandle _handle;

    private ArenaLock(SafeFileHandle handle) => _handle = handle;

    /// <summary>Takes it, waiting a moment for one that is dying; a living one is <see cref="ErrorCode.ConfigurationInvalid"/>.</summary>
    public static async Task<ArenaLock> TakeAsync(string folder, TimeProvider time, CancellationToken cancellationToken)
    {
        var path = Path.Combine(folder, "agent.lock");
        if (SharedMemory.OpenFile(path, create: true, out var handle) != 0
            && SharedMemory.OpenFile(path, create: false, out handle) is var errno and not 0)
        {
            throw new CheckpointerException(ErrorCode.ConfigurationInvalid, $"Could not open '{path}' (errno {errno}).");
        }

        var begun = time.GetTimestamp();
        while (SharedMemory.TryLock(handle!) != 0)
        {
            if (time.GetElapsedTime(begun) > Patience || cancellationToken.IsCancellationRequested)
            {
                handle!.Dispose();
                throw new CheckpointerException(
                    ErrorCode.ConfigurationInvalid,
                    $"Another agent runs on '{folder}'. Each agent of a machine needs a node name or an arena root of its own.");
            }

            await Task.Delay(LookEvery, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return new ArenaLock(handle!);
    }

    public void Dispose() => _handle.Dispose();
}
