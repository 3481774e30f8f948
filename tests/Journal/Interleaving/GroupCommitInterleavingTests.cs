using Checkpointer.TestKit.Interleaving;

namespace Checkpointer.Journal.Tests.Interleaving;

/// <summary>
/// Appends, waits, snapshots and truncations in any order between the steps of the commit loop, with a crash between any two
/// and in the middle of some: what was acknowledged is found, in order, and nobody is told too early.
/// </summary>
public sealed class GroupCommitInterleavingTests
{
    private const int MaxSteps = 2_000;

    [Fact]
    public void AnyOrder_ACrashAnywhere_LosesNothingAcknowledged()
    {
        var (steps, crashes) = (0, 0);
        Interleavings.Explore(60, schedule =>
        {
            using var world = new JournalWorld(schedule);
            for (var writer = 0; writer < 3; writer++)
            {
                schedule.Start($"writer {writer}", Append(schedule, world));
            }

            schedule.Start("saver", Save(world), background: true);
            schedule.Start("loop", Commit(world), background: true);
            schedule.Start("crash", Crash(schedule, world), background: true);
            schedule.Run(MaxSteps, world.Check);
            while (world.IsCommitting)
            {
                world.Step();
            }

            world.Crash();
            steps += schedule.Steps;
            crashes += world.Crashes;
        });
        TestContext.Current.TestOutputHelper?.WriteLine($"{steps} steps, {crashes} crashes");
    }

    private static IEnumerable<Func<bool>?> Append(Schedule schedule, JournalWorld world)
    {
        for (var left = 5 + schedule.Next(15); left > 0; left--)
        {
            world.Append();
            yield return null;
        }
    }

    private static IEnumerable<Func<bool>?> Save(JournalWorld world)
    {
        while (true)
        {
            yield return () => world.CanSave;
            world.Save();
        }
    }

    private static IEnumerable<Func<bool>?> Commit(JournalWorld world)
    {
        while (true)
        {
            yield return () => world.IsCommitting;
            world.Step();
        }
    }

    private static IEnumerable<Func<bool>?> Crash(Schedule schedule, JournalWorld world)
    {
        while (true)
        {
            for (var wait = schedule.Next(20); wait > 0; wait--)
            {
                yield return null;
            }

            world.Crash();
            yield return null;
        }
    }
}
