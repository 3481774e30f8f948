namespace Checkpointer.FaultProxy.Faults;

/// <summary>One fault, decided for one request.</summary>
/// <param name="Kind">What happens.</param>
/// <param name="Place">Where, as a fraction of the body; from it also follow the other choices within a kind.</param>
public sealed record Fault(FaultKind Kind, double Place)
{
    /// <summary>The position in a body of <paramref name="length"/> bytes: never its very end.</summary>
    internal long PlaceIn(long length) => Math.Clamp((long)(Place * length), 0, length - 1);
}
