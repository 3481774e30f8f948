namespace Checkpointer.Cli.Doctor;

/// <summary>What one check found.</summary>
/// <param name="Area">What was looked at: <c>configuration</c>, <c>store</c>, <c>service</c>, <c>agent</c>,
/// <c>repository</c>, <c>memory</c>, <c>limits</c>, <c>python</c>.</param>
/// <param name="Check">Which of its properties, in a few words.</param>
/// <param name="Outcome">How it ended.</param>
/// <param name="Found">What was found, for people; holds no secret.</param>
/// <param name="Remedy">How to mend it; null if nothing is to be mended.</param>
internal sealed record Finding(string Area, string Check, FindingOutcome Outcome, string Found, string? Remedy = null)
{
    public static Finding Ok(string area, string check, string found) => new(area, check, FindingOutcome.Ok, found);

    public static Finding Warning(string area, string check, string found, string remedy) =>
        new(area, check, FindingOutcome.Warning, found, remedy);

    public static Finding Failed(string area, string check, string found, string remedy) =>
        new(area, check, FindingOutcome.Failed, found, remedy);

    public static Finding Skipped(string area, string check, string found) => new(area, check, FindingOutcome.Skipped, found);
}
