namespace Checkpointer.Cli.Doctor;

/// <summary>What <c>doctor --output json</c> prints.</summary>
/// <param name="Healthy">Whether no check failed.</param>
/// <param name="Findings">All findings.</param>
internal sealed record DoctorReport(bool Healthy, IReadOnlyList<Finding> Findings);
