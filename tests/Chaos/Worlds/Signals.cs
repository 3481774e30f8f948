using System.Runtime.InteropServices;

namespace Checkpointer.Chaos.Worlds;

/// <summary>Signals to a process, and whether they did what they are for.</summary>
internal static partial class Signals
{
    private const int SigKill = 9;
    private const int SigCont = 18;
    private const int SigStop = 19;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Kills a process that lives; false if it did not live any more.</summary>
    public static async Task<bool> KillAsync(int pid)
    {
        if (StateOf(pid) is null or 'Z')
        {
            return false;
        }

        _ = Send(pid, SigKill);
        return await BecomesAsync(pid, state => state is null or 'Z');
    }

    /// <summary>Stops a process that lives; false if it did not live any more.</summary>
    public static async Task<bool> StopAsync(int pid)
    {
        _ = Send(pid, SigStop);
        return await BecomesAsync(pid, state => state is 'T' or null) && StateOf(pid) == 'T';
    }

    /// <summary>Lets a stopped process go on.</summary>
    public static void Continue(int pid) => _ = Send(pid, SigCont);

    /// <summary>Whether there is such a process, dead ones that nobody has waited for yet left out.</summary>
    public static bool IsAlive(int pid) => StateOf(pid) is not (null or 'Z');

    private static async Task<bool> BecomesAsync(int pid, Func<char?, bool> holds)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (!holds(StateOf(pid)))
        {
            if (TimeProvider.System.GetElapsedTime(began) > Patience)
            {
                return false;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(5));
        }

        return true;
    }

    private static char? StateOf(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            return stat[stat.LastIndexOf(')') + 2];
        }
        catch (IOException)
        {
            return null;
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Send(int pid, int signal);
}
