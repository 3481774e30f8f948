using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Agent.Reporting;

/// <summary>One report on its way to the service.</summary>
internal sealed class OutboxReport(
    ReportKind kind,
    Attempt attempt,
    string subject,
    Func<ServiceClient, CancellationToken, Task> send,
    int steps = 0,
    CheckpointId? snapshot = null)
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

    /// <summary>The snapshot that it says is held here, or its shard; null if it is about none.</summary>
    public CheckpointId? Snapshot => snapshot;

    /// <summary>Whether the service may have it, acknowledged or not. Guarded by the outbox.</summary>
    public bool MayHaveArrived { get; set; }

    /// <summary>Ends when the service has taken the report (null), or with why it never will.</summary>
    public Task<CheckpointerException?> Delivery => _delivery.Task;

    public Task SendAsync(ServiceClient service, CancellationToken cancellationToken) => send(service, cancellationToken);

    public void Settle(CheckpointerException? failure) => _delivery.TrySetResult(failure);
}
