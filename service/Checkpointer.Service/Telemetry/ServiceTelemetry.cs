using System.Diagnostics;

namespace Checkpointer.Service.Telemetry;

/// <summary>
/// Names of what the service measures; stable, for dashboards and alerts. Tags: <c>command</c> (a command's type),
/// <c>outcome</c> (<c>ok</c>, an error code, or how a commit or a call ended), <c>kind</c> (of an event, an incident or a
/// detection), <c>reason</c> (of a deletion), <c>run</c>
/// (at most <see cref="Coordination.CoordinationLimits.MaxRuns"/>).
/// </summary>
public static class ServiceTelemetry
{
    /// <summary>Name of the meter and of the source of spans.</summary>
    public const string SourceName = "Checkpointer.Service";

    /// <summary>How long commands took from call to durable answer, by command and outcome (s).</summary>
    public const string CommandDuration = "checkpointer.command.duration";

    /// <summary>Things that happened to runs, by kind.</summary>
    public const string Events = "checkpointer.run.events";

    /// <summary>Incidents, by kind.</summary>
    public const string Incidents = "checkpointer.run.incidents";

    /// <summary>How long checkpoints took from their last shard to the end of a try, by outcome (s).</summary>
    public const string CommitDuration = "checkpointer.commit.duration";

    /// <summary>How long the scrub took for a checkpoint, by outcome (s).</summary>
    public const string ScrubDuration = "checkpointer.scrub.duration";

    /// <summary>Bytes that the scrub read.</summary>
    public const string ScrubBytes = "checkpointer.scrub.bytes";

    /// <summary>Uncommitted objects that sweeps deleted, by reason.</summary>
    public const string SweptObjects = "checkpointer.sweep.objects";

    /// <summary>Their bytes, by reason (By).</summary>
    public const string SweptBytes = "checkpointer.sweep.bytes";

    /// <summary>How long sweeps took, by outcome: ok or failed (s).</summary>
    public const string SweepDuration = "checkpointer.sweep.duration";

    /// <summary>What was detected, by kind (of incident, or <c>AgentCutOff</c>), whether or not it became an incident of its own.</summary>
    public const string Detections = "checkpointer.detections";

    /// <summary>Calls of the webhook, by outcome: delivered, refused (4xx, but for 408 and 429) or failed.</summary>
    public const string WebhookCalls = "checkpointer.webhook.calls";

    /// <summary>Incidents that the webhook refused for good.</summary>
    public const string WebhookSetAside = "checkpointer.webhook.set_aside";

    /// <summary>Age of the incident that is being sent to the webhook; 0 while none is (s).</summary>
    public const string WebhookLag = "checkpointer.webhook.lag";

    /// <summary>Agents that are alive.</summary>
    public const string Agents = "checkpointer.agents.alive";

    /// <summary>Journal entries that a restart would replay.</summary>
    public const string ReplayEntries = "checkpointer.journal.replay_entries";

    /// <summary>The current attempt, by run.</summary>
    public const string RunAttempt = "checkpointer.run.attempt";

    /// <summary>Newest step in the ledger, by run.</summary>
    public const string RunLedgerStep = "checkpointer.run.ledger_step";

    /// <summary>Newest step that every rank sealed in memory, by run.</summary>
    public const string RunSealedStep = "checkpointer.run.sealed_step";

    /// <summary>Newest committed step, by run.</summary>
    public const string RunCommittedStep = "checkpointer.run.committed_step";

    /// <summary>Where spans come from.</summary>
    public static ActivitySource Spans { get; } = new(SourceName);
}
