namespace Checkpointer.Contracts.Replicas;

/// <summary>The answer to <see cref="ReplicaOffer"/>.</summary>
public sealed record ReplicaOfferResult
{
    /// <summary>How far the copy is.</summary>
    public required ReplicaState State { get; init; }

    /// <summary>Verified bytes of the image that the copy has.</summary>
    public required long CopiedBytes { get; init; }
}
