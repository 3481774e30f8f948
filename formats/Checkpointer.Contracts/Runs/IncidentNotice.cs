using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Runs;

/// <summary>An incident as it is pushed: the data of a server-sent event, and the body of a webhook's call.</summary>
public sealed record IncidentNotice
{
    /// <summary>The run.</summary>
    public required RunId Run { get; init; }

    /// <summary>The incident. Its number within the run tells a repeat.</summary>
    public required Incident Incident { get; init; }
}
