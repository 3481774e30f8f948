using Microsoft.Extensions.Logging;

namespace Checkpointer.Service.Stores;

internal sealed partial class StoreGate
{
    [LoggerMessage(1400, LogLevel.Information, "The object store ({Store}) keeps its contract; it is repository {Repository}")]
    private partial void LogOpened(string store, string repository);

    [LoggerMessage(1401, LogLevel.Warning, "The object store ({Store}) cannot be used yet; commits wait for it, joins of known runs and restores from memory go on: {Why}")]
    private partial void LogWaiting(string store, string why);

    [LoggerMessage(1402, LogLevel.Critical, "The service stops: {Why}")]
    private partial void LogBroken(string why);

    [LoggerMessage(1403, LogLevel.Warning, "The object store ({Store}): {Problem} {Remedy}")]
    private partial void LogWarning(string store, string problem, string remedy);

    [LoggerMessage(1404, LogLevel.Error, "The object store ({Store}) is gone; commits wait for it: {Problem}")]
    private partial void LogGone(string store, string problem);

    [LoggerMessage(1405, LogLevel.Information, "The object store ({Store}) is there; it is repository {Repository}")]
    private partial void LogBack(string store, string repository);
}
