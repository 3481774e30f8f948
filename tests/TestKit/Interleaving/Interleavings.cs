using System.Globalization;

namespace Checkpointer.TestKit.Interleaving;

/// <summary>Tries many schedules of the same actors.</summary>
public static class Interleavings
{
    /// <summary>The environment variable that names the one seed to play.</summary>
    public const string SeedVariable = "CHECKPOINTER_SEED";

    private const int TracedSteps = 80;

    /// <summary>
    /// Plays the schedules of seeds 1 to <paramref name="count"/>, or only the one that the environment names. One that fails
    /// ends it, with its seed and its last steps. Continuations run where they are completed, so that nothing escapes the schedule.
    /// </summary>
    public static void Explore(int count, Action<Schedule> play)
    {
        ArgumentNullException.ThrowIfNull(play);
        var one = Environment.GetEnvironmentVariable(SeedVariable) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : 0;
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            for (var seed = one > 0 ? one : 1; seed <= (one > 0 ? one : count); seed++)
            {
                Play(new Schedule(seed), play);
            }
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }

    private static void Play(Schedule schedule, Action<Schedule> play)
    {
        try
        {
            play(schedule);
        }
        catch (Exception e)
        {
            // Whatever it is: which schedule it came from is what has to be known.
            var trace = string.Join('\n', schedule.Trace.TakeLast(TracedSteps));
            throw new InterleavingException(
                $"Schedule {schedule.Seed} failed after {schedule.Steps} steps ({SeedVariable}={schedule.Seed} plays it alone): {e.Message}\n{trace}", e);
        }
    }
}
