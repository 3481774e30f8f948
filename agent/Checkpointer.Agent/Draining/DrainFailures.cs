using Checkpointer.Formats.Errors;

namespace Checkpointer.Agent.Draining;

/// <summary>Tells what may be mended, so that the drain waits, from what stays wrong with the snapshot.</summary>
internal static class DrainFailures
{
    /// <summary>
    /// Whether it is the store's trouble: passing, or something that an operator mends (no room, credentials, a bucket),
    /// after which the same drain goes on.
    /// </summary>
    public static bool IsOfStorage(CheckpointerException failure) => failure.IsTransient
        || failure.Code is ErrorCode.StorageUnavailable
            or ErrorCode.StorageThrottled
            or ErrorCode.StorageDenied
            or ErrorCode.StorageFull
            or ErrorCode.StorageFailed;

    /// <summary>What the operator should do about it, after the failure's own words.</summary>
    public static string AdviceOn(CheckpointerException failure) => failure switch
    {
        { Code: ErrorCode.StorageFull } =>
            "Make room: delete old checkpoints, or enlarge the store or its quota. Nothing needs a restart.",
        { Code: ErrorCode.StorageDenied } =>
            "Renew the credentials, permit them what the message names, or set the clock. Nothing needs a restart.",
        { IsTransient: true } => "It may pass by itself.",
        _ => "Mend the store. Nothing needs a restart.",
    };
}
