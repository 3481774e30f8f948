using Checkpointer.Chaos.Strikes;

namespace Checkpointer.Chaos.Judging;

/// <summary>A strike that was seen to hit, and what came of it.</summary>
internal sealed record Hit(Strike Strike, string Point, string Victim)
{
    /// <summary>Whether the job went on.</summary>
    public bool Recovered { get; set; }

    /// <summary>Whether its job came out like the undisturbed one.</summary>
    public bool Exact { get; set; }

    /// <summary>From the strike to the first new step.</summary>
    public double Seconds { get; set; }
}
