namespace Checkpointer.Simulation.Network;

/// <summary>How messages fare between two nodes at one moment; faults change it.</summary>
internal sealed class Links(int seed)
{
    private readonly Random _random = new(seed);
    private readonly HashSet<(string, string)> _cut = [];

    /// <summary>Share of messages that are lost, each way.</summary>
    public double Loss { get; set; }

    /// <summary>Share of requests that arrive a second time.</summary>
    public double Repeats { get; set; }

    /// <summary>Share of messages that take seconds.</summary>
    public double Delays { get; set; }

    /// <summary>Share of answers that break off in the middle of their body.</summary>
    public double BrokenAnswers { get; set; }

    /// <summary>Called with the name of each fault that hits a message.</summary>
    public Action<string>? Hit { get; set; }

    public bool IsCut(string from, string to) => from != to && _cut.Contains(Key(from, to));

    public void Cut(string a, string b) => _cut.Add(Key(a, b));

    public void Mend(string a, string b) => _cut.Remove(Key(a, b));

    public void MendAll() => _cut.Clear();

    /// <summary>How long a message takes; null if it never arrives.</summary>
    public TimeSpan? Travel(string from, string to)
    {
        // The same number of draws whatever happens: the course after a masked fault stays comparable.
        var (loss, slow, micros) = (_random.NextDouble(), _random.NextDouble(), 50 + (_random.NextDouble() * 450));
        if (from == to)
        {
            return TimeSpan.FromMicroseconds(micros / 5);
        }

        if (IsCut(from, to))
        {
            Hit?.Invoke("message_cut");
            return null;
        }

        if (loss < Loss)
        {
            Hit?.Invoke("message_lost");
            return null;
        }

        if (slow < Delays)
        {
            Hit?.Invoke("message_delayed");
            return TimeSpan.FromSeconds(0.5 + (slow / Delays * 5));
        }

        return TimeSpan.FromMicroseconds(micros * 4);
    }

    public bool Repeated() => Chance(Repeats, "message_repeated");

    public bool Broken() => Chance(BrokenAnswers, "answer_broken");

    public int Next(int below) => _random.Next(below);

    private bool Chance(double share, string name)
    {
        if (_random.NextDouble() >= share)
        {
            return false;
        }

        Hit?.Invoke(name);
        return true;
    }

    private static (string, string) Key(string a, string b) =>
        string.CompareOrdinal(a, b) < 0 ? (a, b) : (b, a);
}
