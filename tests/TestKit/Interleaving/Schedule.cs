namespace Checkpointer.TestKit.Interleaving;

/// <summary>
/// One interleaving of several actors, decided by a seed. An actor is a sequence of steps: its code runs alone up to each
/// <c>yield return</c>, which says what it waits for before it goes on (null: nothing). So whatever the code under test does
/// between two steps is one atomic piece, and everything that can come between two pieces does, in some schedule.
/// <para>
/// Half of the seeds pick any ready actor each time; the others give actors priorities that change now and then, which finds
/// orders in which one is left far behind (the idea of probabilistic concurrency testing). Not thread-safe.
/// </para>
/// </summary>
public sealed class Schedule
{
    // How rarely an actor's priority changes, in steps.
    private const int PriorityLasts = 12;

    private readonly Random _random;
    private readonly bool _byPriority;
    private readonly List<Actor> _actors = [];
    private readonly List<string> _trace = [];

    /// <summary>The schedule of that seed.</summary>
    public Schedule(int seed)
    {
        Seed = seed;
        _random = new Random(seed);
        _byPriority = seed % 2 == 0;
    }

    /// <summary>What it is made from.</summary>
    public int Seed { get; }

    /// <summary>Steps run so far.</summary>
    public int Steps { get; private set; }

    /// <summary>What happened, step by step.</summary>
    public IReadOnlyList<string> Trace => _trace;

    /// <summary>A number from 0 to below <paramref name="below"/>: any choice of the test must come from here.</summary>
    public int Next(int below) => _random.Next(below);

    /// <summary>True in one of so many cases.</summary>
    public bool OneIn(int cases) => _random.Next(cases) == 0;

    /// <summary>Adds an actor, also while the schedule runs. One in the background does not keep it from ending.</summary>
    public void Start(string name, IEnumerable<Func<bool>?> steps, bool background = false)
    {
        ArgumentNullException.ThrowIfNull(steps);
        _actors.Add(new Actor(name, steps.GetEnumerator(), background) { Priority = _random.Next() });
    }

    /// <summary>Adds a remark to the trace.</summary>
    public void Note(string what) => _trace.Add($"      {what}");

    /// <summary>
    /// Runs until all actors that are not in the background have ended, with <paramref name="check"/> after each step. Fails if
    /// nobody can go on, or after <paramref name="maxSteps"/>.
    /// </summary>
    public void Run(int maxSteps, Action check)
    {
        ArgumentNullException.ThrowIfNull(check);
        while (_actors.Exists(actor => !actor.Background))
        {
            var ready = _actors.FindAll(actor => actor.Waits?.Invoke() ?? true);
            if (ready.Count == 0)
            {
                throw new InvalidOperationException($"Nobody can go on: {string.Join(", ", _actors.Select(actor => actor.Name))} wait.");
            }

            if (++Steps > maxSteps)
            {
                throw new InvalidOperationException($"Not over after {maxSteps} steps: {string.Join(", ", _actors.Select(actor => actor.Name))} go on.");
            }

            Step(Pick(ready));
            check();
        }
    }

    private Actor Pick(List<Actor> ready)
    {
        if (!_byPriority)
        {
            return ready[_random.Next(ready.Count)];
        }

        // Those in the background loop for ever: by priority one of them could keep everybody else from going on.
        var (behind, before) = (ready.FindAll(actor => actor.Background), ready.FindAll(actor => !actor.Background));
        if (before.Count == 0 || (behind.Count > 0 && _random.Next(2) == 0))
        {
            return behind[_random.Next(behind.Count)];
        }

        var picked = before.MaxBy(actor => actor.Priority)!;
        if (_random.Next(PriorityLasts) == 0)
        {
            picked.Priority = _random.Next();
        }

        return picked;
    }

    private void Step(Actor actor)
    {
        _trace.Add($"{Steps,4}  {actor.Name}");
        if (actor.Steps.MoveNext())
        {
            actor.Waits = actor.Steps.Current;
        }
        else
        {
            actor.Steps.Dispose();
            _actors.Remove(actor);
        }
    }

    private sealed class Actor(string name, IEnumerator<Func<bool>?> steps, bool background)
    {
        public string Name { get; } = name;

        public IEnumerator<Func<bool>?> Steps { get; } = steps;

        public bool Background { get; } = background;

        public Func<bool>? Waits { get; set; }

        public int Priority { get; set; }
    }
}
