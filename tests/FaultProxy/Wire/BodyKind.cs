namespace Checkpointer.FaultProxy.Wire;

/// <summary>How the end of a message's body is known.</summary>
internal enum BodyKind
{
    /// <summary>There is no body.</summary>
    None,

    /// <summary>By its length.</summary>
    Length,

    /// <summary>By its last chunk.</summary>
    Chunked,

    /// <summary>By the end of the connection.</summary>
    UntilClose,
}
