using System.Globalization;

namespace Checkpointer.Agent.Presences;

/// <summary>What the kernel says of a process whose connection broke off. In another pid namespace it knows nothing of it.</summary>
internal static class ProcessFate
{
    public static string Describe(int? pid)
    {
        if (pid is not { } known)
        {
            return "its connection broke off without a goodbye";
        }

        var state = State(known);
        var fate = state switch
        {
            null => "is gone",
            'Z' or 'X' => "has ended",
            _ => $"still shows in /proc (state {state}), but its connection broke off",
        };
        return string.Create(CultureInfo.InvariantCulture, $"process {known} {fate}, without a goodbye");
    }

    /// <summary>Whether it shows no sign of ending; false if not known.</summary>
    public static bool IsAlive(int? pid) => pid is { } known && State(known) is not (null or 'Z' or 'X');

    private static char? State(int pid)
    {
        try
        {
            // "pid (name) S …": the name may hold anything, the state follows its last parenthesis.
            var stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat"));
            var end = stat.LastIndexOf(')');
            return end >= 0 && end + 2 < stat.Length ? stat[end + 2] : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
