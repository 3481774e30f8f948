using Checkpointer.Formats.Errors;
using Microsoft.AspNetCore.Http;

namespace Checkpointer.Contracts.Problems;

/// <summary>How an <see cref="ErrorCode"/> looks over HTTP (RFC 9457): a status, and the code in snake_case as <c>code</c>.</summary>
public static class CheckpointerProblem
{
    /// <summary>The problem member that carries the code.</summary>
    public const string CodeMember = "code";

    /// <summary>The problem member that says whether the same call may succeed later.</summary>
    public const string TransientMember = "transient";

    /// <summary>The HTTP status of <paramref name="code"/>.</summary>
    public static int StatusOf(ErrorCode code) => code switch
    {
        ErrorCode.InvalidRequest => StatusCodes.Status400BadRequest,
        ErrorCode.LayoutInvalid => StatusCodes.Status400BadRequest,
        ErrorCode.NotFound => StatusCodes.Status404NotFound,
        ErrorCode.LimitExceeded => StatusCodes.Status413PayloadTooLarge,
        ErrorCode.StaleAttempt
            or ErrorCode.IncarnationSuperseded
            or ErrorCode.WorldMismatch
            or ErrorCode.StepRepeated
            or ErrorCode.StepOutOfOrder
            or ErrorCode.LayoutMismatch
            or ErrorCode.SlotBusy
            or ErrorCode.SnapshotNotOpen
            or ErrorCode.CaptureIncomplete
            or ErrorCode.CheckpointConflict
            or ErrorCode.StoreMismatch
            or ErrorCode.RestoreImpossible => StatusCodes.Status409Conflict,
        ErrorCode.CheckpointIncoherent => StatusCodes.Status422UnprocessableEntity,
        ErrorCode.MemoryBudgetExceeded or ErrorCode.StorageFull => StatusCodes.Status507InsufficientStorage,
        ErrorCode.ServiceUnavailable
            or ErrorCode.StorageUnavailable
            or ErrorCode.StorageThrottled => StatusCodes.Status503ServiceUnavailable,
        ErrorCode.StorageFailed or ErrorCode.StorageDenied => StatusCodes.Status502BadGateway,
        _ => StatusCodes.Status500InternalServerError,
    };

    /// <summary>The type URI of <paramref name="code"/>: stable, not meant to be fetched.</summary>
    public static string TypeOf(ErrorCode code) => $"urn:checkpointer:error:{NameOf(code)}";

    /// <summary>The code in snake_case.</summary>
    public static string NameOf(ErrorCode code) =>
        System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(code.ToString());
}
