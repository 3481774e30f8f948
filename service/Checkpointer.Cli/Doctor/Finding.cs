namespace Checkpointer.Cli.Doctor;

/// <summary>What a check found, and how to mend it.</summary>
internal sealed record Finding(CheckOutcome Outcome, string Found, string? Remedy = null)
{
    /// <summary>The part of the check that this is about; null if there are no parts.</summary>
    public string? Part { get; init; }

    public static Finding Ok(string found) => new(CheckOutcome.Ok, found);

    public static Finding Warning(string found, string remedy) => new(CheckOutcome.Warning, found, remedy);

    public static Finding Failed(string found, string remedy) => new(CheckOutcome.Failed, found, remedy);

    public static Finding Skipped(string found, string? remedy = null) => new(CheckOutcome.Skipped, found, remedy);

    /// <summary>Something that was not named is not there: no fault unless it was asked for.</summary>
    public static Finding Missing(bool askedFor, string found, string remedy) =>
        new(askedFor ? CheckOutcome.Failed : CheckOutcome.Skipped, found, remedy);
}
