namespace Checkpointer.Cli;

/// <summary>What the command's exit status means; the same for every verb.</summary>
internal static class ExitCode
{
    /// <summary>Done, and what was to be shown holds.</summary>
    public const int Success = 0;

    /// <summary>Done, but what was to be shown does not hold (a demo that is not exact), or the operation failed; for a
    /// daemon: it could not start, or stopped although nobody told it to (its log says why; start it again).</summary>
    public const int Failure = 1;

    /// <summary>The command line was not understood, or a setting makes no sense.</summary>
    public const int Usage = 2;

    /// <summary>The machine lacks something that the command needs.</summary>
    public const int Environment = 3;

    /// <summary>Not everything could be read, and nothing bad was found in the rest: nothing is known. Try again.</summary>
    public const int Incomplete = 4;

    /// <summary>Interrupted by a signal.</summary>
    public const int Interrupted = 130;
}
