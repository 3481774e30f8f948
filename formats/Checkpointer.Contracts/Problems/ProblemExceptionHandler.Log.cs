using Microsoft.Extensions.Logging;

namespace Checkpointer.Contracts.Problems;

public sealed partial class ProblemExceptionHandler
{
    [LoggerMessage(100, LogLevel.Error, "{Method} {Path} failed unexpectedly")]
    private partial void LogUnexpected(Exception exception, string method, string path);

    [LoggerMessage(101, LogLevel.Debug, "{Method} {Path} was answered {Code}: {Detail}")]
    private partial void LogRefused(string method, string path, string code, string? detail);
}
