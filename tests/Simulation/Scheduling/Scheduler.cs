namespace Checkpointer.Simulation.Scheduling;

/// <summary>
/// Simulated time and what happens in it. Runs on the pool's one thread, as a work item that queues itself again: whenever
/// the pool has nothing else left to run it takes the next event, so that all that follows from one event has happened before
/// the next one.
/// </summary>
internal sealed class Scheduler(int seed, Trace trace)
{
    private const int StuckStatus = 3;
    private static readonly TimeSpan StuckAfter = TimeSpan.FromSeconds(60);

    // So many work items in a row without an event: something spins.
    private const int MaxTurns = 2_000_000;

    private readonly PriorityQueue<ScheduledEvent, (long Due, int Tie, long Number)> _queue = new();
    private readonly Random _random = new(seed);
    private readonly ManualResetEventSlim _ended = new();
    private long _number;
    private int _turns;
    private Task _scenario = Task.CompletedTask;

    /// <summary>Simulated time since the beginning, in ticks.</summary>
    public long NowTicks { get; private set; }

    /// <summary>Simulated time since the beginning.</summary>
    public TimeSpan Now => new(NowTicks);

    /// <summary>Events that have happened.</summary>
    public int Events { get; private set; }

    /// <summary>The course so far.</summary>
    public Trace Trace => trace;

    /// <summary>What to do after each event, when all that follows from it has happened.</summary>
    public Action? Settled { get; set; }

    /// <summary>Runs <paramref name="scenario"/> on the pool's thread to its end; rethrows what it throws.</summary>
    public void Run(Func<Task> scenario)
    {
        _ = ThreadPool.UnsafeQueueUserWorkItem(
            _ =>
            {
                _scenario = Started(scenario);
                Requeue();
            },
            null);
        for (var seen = -1; !_ended.Wait(StuckAfter); seen = Events)
        {
            if (seen == Events)
            {
                // A loop that never ends, or a wait that blocks the only thread: nothing in this process can end it.
                trace.Last.ToList().ForEach(Console.Out.WriteLine);
                Console.Out.WriteLine($"Stuck: nothing happens after event {Events}.");
                Environment.Exit(StuckStatus);
            }
        }

        _scenario.GetAwaiter().GetResult();
    }

    /// <summary>Has <paramref name="action"/> run after <paramref name="delay"/>, in a seeded order among equals.</summary>
    public ScheduledEvent Schedule(TimeSpan delay, string what, Action action, SimulatedProcess? owner = null)
    {
        var scheduled = new ScheduledEvent(what, action, owner);
        _queue.Enqueue(scheduled, (NowTicks + Math.Max(0, delay.Ticks), _random.Next(), _number++));
        return scheduled;
    }

    /// <summary>Ends after <paramref name="delay"/>; never if <paramref name="owner"/> dies before.</summary>
    public Task Delay(TimeSpan delay, string what, SimulatedProcess? owner = null)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _ = Schedule(delay, what, ended.SetResult, owner);
        return ended.Task;
    }

    private static async Task Started(Func<Task> scenario)
    {
        await Task.Yield();
        await scenario();
    }

    private void Requeue() => ThreadPool.UnsafeQueueUserWorkItem(static scheduler => ((Scheduler)scheduler!).Turn(), this);

    private void Turn()
    {
        if (ThreadPool.PendingWorkItemCount > 0)
        {
            if (++_turns > MaxTurns)
            {
                _scenario = Task.FromException(new SimulationException("spinning", $"{MaxTurns} work items ran without an event in between."));
                _ended.Set();
                return;
            }

            Requeue();
            return;
        }

        _turns = 0;
        try
        {
            Settled?.Invoke();
            if (ThreadPool.PendingWorkItemCount > 0)
            {
                Requeue();
                return;
            }

            if (!_scenario.IsCompleted && TryTakeNext() is { } next)
            {
                Events++;
                trace.Add(NowTicks, next.What);
                next.Run();
                Requeue();
                return;
            }

            if (!_scenario.IsCompleted)
            {
                throw new SimulationException("deadlock", "Nothing is left that could happen.");
            }
        }
        catch (Exception e)
        {
            _scenario = Task.FromException(e);
        }

        _ended.Set();
    }

    private ScheduledEvent? TryTakeNext()
    {
        while (_queue.TryDequeue(out var next, out var priority))
        {
            if (next.IsDue)
            {
                NowTicks = priority.Due;
                return next;
            }
        }

        return null;
    }
}
