namespace Checkpointer.Crash.Tests;

/// <summary>
/// One thing that a process does, the crash points at which it is killed while doing it, and what must hold after each.
/// </summary>
/// <param name="Part">The part of the program whose process it is.</param>
/// <param name="Name">What the process does.</param>
/// <param name="CrashPoints">Where it is killed, each <c>name</c> or <c>name:n</c> for the n-th time; what has no number is killed the first time.</param>
/// <param name="PlayAsync">
/// Plays it with a kill at one of them and checks the promise. Fails if the process was not killed: then the point was not reached.
/// </param>
internal sealed record CrashScenario(string Part, string Name, IReadOnlyList<string> CrashPoints, Func<string, Task> PlayAsync)
{
    /// <summary>The name of a crash point without its number.</summary>
    public static string NameOf(string crashPoint) => crashPoint.Split(':')[0];
}
