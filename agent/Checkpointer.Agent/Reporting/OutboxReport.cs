using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Agent.Reporting;

/// <summary>One report on its way to the service.</summary>
internal sealed class OutboxReport(
    ReportKind kind, Attempt attempt, string subject, Func<ServiceClient, CancellationToken, Task> send, int steps = 0)
{
    private readonly TaskCompletionSource<CheckpointerException?> _delivery =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What it is about.</summary>
    public ReportKind Kind => kind;

    /// <summary>The writer's attempt: the fence.</summary>
    public Attempt Attempt => attempt;

    /// <summary>What it says, for the log.</summary>
    public string Subject => subject;

    /// <summary>How many step reports it holds.</summary>
    public int Steps => steps;

    /// <summary>Ends when the service has taken the report (null), or with why it never will.</summary>
    public Task<CheckpointerException?> Delivery => _delivery.Task;

    public Task SendAsync(ServiceClient service, CancellationToken cancellationToken) => send(service, cancellationToken);

    public void Settle(CheckpointerException? failure) => _delivery.TrySetResult(failure);
}
