using System.Globalization;
using System.Runtime.InteropServices;

namespace Checkpointer.Simulation.Processes;

/// <summary>
/// Unmaps the arenas of a simulated process that has died, as the kernel does for a real one: they are found in this process's
/// own list of mappings, so that nothing of the dead process is asked for them.
/// </summary>
internal static unsafe partial class Mappings
{
    public static void Remove(string folder)
    {
        foreach (var line in File.ReadLines("/proc/self/maps").Where(line => line.Contains(folder, StringComparison.Ordinal)).ToList())
        {
            var bounds = line.AsSpan(0, line.IndexOf(' ', StringComparison.Ordinal));
            var dash = bounds.IndexOf('-');
            var from = nuint.Parse(bounds[..dash], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            var to = nuint.Parse(bounds[(dash + 1)..], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            _ = Munmap((void*)from, to - from);
        }
    }

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Munmap(void* address, nuint length);
}
