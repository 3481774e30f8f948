namespace Checkpointer.Storage.Probing;

/// <summary>What a check found wrong, and how to mend it.</summary>
internal sealed record ProbeFault(ProbeOutcome Outcome, string Problem, string Remedy)
{
    public static ProbeFault Broken(string problem, string remedy) => new(ProbeOutcome.Broken, problem, remedy);

    public static ProbeFault Warning(string problem, string remedy) => new(ProbeOutcome.Warned, problem, remedy);
}
