using Checkpointer.Contracts.Agents;
using Checkpointer.Contracts.Trainers;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Agent.Presences;

/// <summary>One connected trainer: what it last said, and when. Thread-safe.</summary>
internal sealed class RankPresence(RunId run, Rank rank, Attempt attempt, int? pid, TimeProvider time)
{
    private readonly Lock _gate = new();
    private long _heardAt = time.GetTimestamp();
    private string? _card;
    private Step? _step;

    /// <summary>The run.</summary>
    public RunId Run => run;

    /// <summary>The rank.</summary>
    public Rank Rank => rank;

    /// <summary>Its attempt.</summary>
    public Attempt Attempt => attempt;

    /// <summary>Its process; null if it did not say.</summary>
    public int? Pid => pid;

    /// <summary>It gave a sign of life.</summary>
    public void Hear(PresenceLine line)
    {
        lock (_gate)
        {
            _heardAt = time.GetTimestamp();
            _card = line.Card ?? _card;
            _step = line.Step ?? _step;
        }
    }

    /// <summary>How it stands now.</summary>
    public RankActivity Describe()
    {
        lock (_gate)
        {
            return new RankActivity
            {
                Run = run,
                Attempt = attempt,
                Rank = rank,
                Card = _card,
                LastStep = _step,
                SilentMs = time.GetElapsedTime(_heardAt).TotalMilliseconds,
            };
        }
    }
}
