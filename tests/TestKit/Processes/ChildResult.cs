namespace Checkpointer.TestKit.Processes;

/// <summary>How a child process ended.</summary>
/// <param name="ExitCode">Its exit code; 128 + n if signal n killed it.</param>
/// <param name="Output">What it wrote to standard output.</param>
/// <param name="Error">What it wrote to standard error.</param>
public sealed record ChildResult(int ExitCode, string Output, string Error)
{
    /// <summary>Whether SIGKILL ended it, as an armed crash point does.</summary>
    public bool WasKilled => ExitCode == 137;

    /// <summary>Everything, for a failed assertion's message.</summary>
    public override string ToString() => $"exit code {ExitCode}\n{Output}\n{Error}";
}
