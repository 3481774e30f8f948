namespace Checkpointer.FaultProxy.Wire;

/// <summary>The framing of a message's body (RFC 9112, section 6).</summary>
internal readonly record struct BodyFraming(BodyKind Kind, long Length = 0)
{
    public static BodyFraming None => new(BodyKind.None);
}
