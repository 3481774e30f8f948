using Checkpointer.Contracts.Problems;
using Checkpointer.Formats.Errors;

namespace Checkpointer.Cli;

/// <summary>What a user reads on standard error when something is not right.</summary>
internal static class ErrorOutput
{
    /// <summary>Something is amiss, and the command goes on.</summary>
    public static void Warn(string text) => Console.Error.WriteLine($"checkpointer: warning: {text}");

    /// <summary>Says in one line why the command ends; gives its exit status. What is no error of a user's or a machine's is a bug, and null.</summary>
    public static int? Report(Exception error)
    {
        switch (error)
        {
            case CliException e:
                Console.Error.WriteLine($"checkpointer: {e.Message}");
                return e.ExitCode;
            case CheckpointerException e:
                Console.Error.WriteLine($"checkpointer: {CheckpointerProblem.NameOf(e.Code)}: {e.Message}");
                return e.Code is ErrorCode.ConfigurationInvalid or ErrorCode.InvalidRequest ? ExitCode.Usage : ExitCode.Failure;
            case IOException e:
                Console.Error.WriteLine($"checkpointer: {e.Message}");
                return ExitCode.Failure;
            case OperationCanceledException:
                return ExitCode.Interrupted;
            default:
                return null;
        }
    }
}
