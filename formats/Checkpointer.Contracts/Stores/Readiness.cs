namespace Checkpointer.Contracts.Stores;

/// <summary>The answer of <c>GET /healthz/ready</c> when all is well; otherwise it is a problem with status 503 or 502.</summary>
public sealed record Readiness
{
    /// <summary><c>ok</c>.</summary>
    public required string Status { get; init; }

    /// <summary>The store.</summary>
    public required StoreStatus Store { get; init; }
}
