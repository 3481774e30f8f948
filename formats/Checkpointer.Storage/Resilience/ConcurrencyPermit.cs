namespace Checkpointer.Storage.Resilience;

/// <summary>The right to have one attempt under way. Whoever has it releases it exactly once.</summary>
/// <param name="Owner">Who gave it.</param>
/// <param name="Decreases">How often the limit had been decreased by then.</param>
internal readonly record struct ConcurrencyPermit(AdaptiveConcurrency Owner, int Decreases)
{
    /// <summary>Gives it back, saying how the attempt went.</summary>
    public void Release(PermitResult result) => Owner.Release(this, result);
}
