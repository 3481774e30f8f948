namespace Checkpointer.Cli;

/// <summary>The demo cannot go on, for a reason that the message explains to the person who ran it.</summary>
internal sealed class CliException(string message, int exitCode = ExitCode.Failure) : Exception(message)
{
    /// <summary>The exit status that fits.</summary>
    public int ExitCode { get; } = exitCode;
}
