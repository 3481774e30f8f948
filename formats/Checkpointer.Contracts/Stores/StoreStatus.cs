namespace Checkpointer.Contracts.Stores;

/// <summary>The service's object store as it was when last looked at (<c>GET /v1/store</c>).</summary>
public sealed record StoreStatus
{
    /// <summary>What the store is and where, for people; holds no secret.</summary>
    public required string Description { get; init; }

    /// <summary>Whether it can be used: it was proved to keep its contract at start, and its repository was there at the last look.</summary>
    public required bool Ready { get; init; }

    /// <summary>The id of the repository in it; null until the service has seen or created it.</summary>
    public string? Repository { get; init; }

    /// <summary>What is wrong; null if nothing is.</summary>
    public string? Problem { get; init; }

    /// <summary>How long ago it was last looked at, in seconds; null before the first look.</summary>
    public double? AgeSeconds { get; init; }

    /// <summary>How far its clock is ahead of the service's (negative: behind), in seconds, when the service started.</summary>
    public double? ClockSkewSeconds { get; init; }
}
