using Checkpointer.Simulation.Scheduling;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Simulation.Processes;

/// <summary>Shows what a process logs beside the course of events, and tells of what no process may ever log.</summary>
internal sealed class SimulatedLogs(SimulatedProcess process, Action<string, string> died) : ILoggerProvider
{
    public ILogger CreateLogger(string categoryName) => new Logger(process, categoryName, died);

    public void Dispose()
    {
    }

    private sealed class Logger(SimulatedProcess process, string category, Action<string, string> died) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= (category.StartsWith("Checkpointer", StringComparison.Ordinal) ? LogLevel.Information : LogLevel.Warning);

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel))
            {
                return;
            }

            var text = $"{process.Name} {logLevel} {eventId.Id}: {formatter(state, exception)}";
            process.Scheduler.Trace.Remark(process.Scheduler.NowTicks, exception is null ? text : $"{text} [{exception.GetType().Name}: {exception.Message}]");
            if (logLevel == LogLevel.Critical || category.Contains("ProblemExceptionHandler", StringComparison.Ordinal))
            {
                died(process.Name, exception is null ? text : $"{text}\n{exception}");
            }
        }
    }
}
