namespace Checkpointer.Cli.Doctor;

/// <summary>Looks at one thing. What is wrong with it is a finding, never an exception.</summary>
internal interface IDoctorCheck
{
    /// <summary>What it looks at, as <see cref="Finding.Area"/>.</summary>
    string Area { get; }

    /// <summary>Looks, and says what it found, in the order to show it.</summary>
    Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancellationToken);
}
