using System.Globalization;
using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace Checkpointer.Simulation.Scheduling;

/// <summary>What happened, in order: its hash tells two courses apart, its end is what a failure shows.</summary>
internal sealed class Trace(int kept, bool printed)
{
    private readonly XxHash64 _hash = new();
    private readonly Queue<string> _last = new();

    /// <summary>Hash of all lines so far.</summary>
    public ulong Hash => _hash.GetCurrentHashAsUInt64();

    /// <summary>The last lines.</summary>
    public IReadOnlyCollection<string> Last => _last;

    /// <summary>Adds a line that is part of the course.</summary>
    public void Add(long nowTicks, string what)
    {
        _hash.Append(MemoryMarshal.AsBytes(new ReadOnlySpan<long>(in nowTicks)));
        _hash.Append(MemoryMarshal.AsBytes(what.AsSpan()));
        Keep(nowTicks, what);
    }

    /// <summary>Adds a line that is only shown, such as a log message.</summary>
    public void Remark(long nowTicks, string what) => Keep(nowTicks, "      " + what);

    private void Keep(long nowTicks, string what)
    {
        var line = string.Create(CultureInfo.InvariantCulture, $"{nowTicks / (double)TimeSpan.TicksPerSecond,11:0.000000} {what}");
        if (printed)
        {
            Console.Out.WriteLine(line);
        }

        _last.Enqueue(line);
        if (_last.Count > kept)
        {
            _ = _last.Dequeue();
        }
    }
}
