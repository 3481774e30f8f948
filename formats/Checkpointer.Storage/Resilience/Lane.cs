namespace Checkpointer.Storage.Resilience;

/// <summary>
/// The kinds of calls that have places of their own, so that none waits behind another kind: packs at a few MB/s must hold
/// up neither a restore nor the manifest of an earlier checkpoint.
/// </summary>
internal enum Lane
{
    /// <summary>Calls that move few bytes or none.</summary>
    Small,

    /// <summary>Large puts.</summary>
    Write,

    /// <summary>Large reads.</summary>
    Read,
}
