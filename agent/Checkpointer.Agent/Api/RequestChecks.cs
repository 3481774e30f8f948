using System.Text;
using System.Text.Json;
using Checkpointer.Contracts.Runs;
using Checkpointer.Contracts.Trainers;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Agent.Api;

/// <summary>What the types of a request cannot say about it.</summary>
internal static class RequestChecks
{
    /// <summary>Longest that a call may be held, in milliseconds.</summary>
    public const int MaxWaitMs = 30_000;

    /// <summary>Most ranks of a world.</summary>
    public const int MaxWorldSize = Rank.MaxValue + 1;

    /// <summary>Most step reports of a call.</summary>
    public const int MaxReports = 1024;

    /// <summary>Longest data cursor, in bytes of UTF-8.</summary>
    public const int MaxCursorBytes = 4096;

    /// <summary>Longest digest of random number generators, in characters.</summary>
    public const int MaxRngDigestChars = 128;

    private const int MaxIncarnationChars = 128;

    /// <summary>How long a call is to be held.</summary>
    public static TimeSpan Wait(int waitMs)
    {
        Require(waitMs is >= 0 and <= MaxWaitMs, $"wait_ms is 0 to {MaxWaitMs}");
        return TimeSpan.FromMilliseconds(waitMs);
    }

    /// <summary>Checks a join.</summary>
    public static void Check(JoinRequest request, Rank rank)
    {
        _ = Wait(request.WaitMs);
        Require(request.WorldSize is >= 1 and <= MaxWorldSize, $"world_size is 1 to {MaxWorldSize}");
        Require(rank.Value < request.WorldSize, $"rank {rank} is none of a world of {request.WorldSize}");
        Require(
            request.Incarnation is { Length: >= 1 and <= MaxIncarnationChars } name
                && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' or ':'),
            $"an incarnation is 1 to {MaxIncarnationChars} of letters, digits, '.', '_', '-' and ':'");
    }

    /// <summary>Checks step reports; none at all are a question for the ledger's step.</summary>
    public static void Check(ReportRequest request)
    {
        Require(request.Reports is not null, "reports are missing");
        if (request.Reports!.Count > MaxReports)
        {
            throw new CheckpointerException(
                ErrorCode.LimitExceeded, $"{request.Reports.Count} step reports at once; at most {MaxReports}.");
        }

        Step? last = null;
        foreach (var report in request.Reports)
        {
            Require(report is not null, "a report is null");
            Require(report!.Step.Value >= 1, "steps start at 1");
            if (report.Step <= last)
            {
                throw new CheckpointerException(
                    ErrorCode.StepOutOfOrder, $"Step {report.Step} is reported behind step {last}; steps rise.");
            }

            last = report.Step;
            CheckFields(report);
        }
    }

    private static void CheckFields(StepReport report)
    {
        if (report.DataCursor is { } cursor && Encoding.UTF8.GetByteCount(cursor.GetRawText()) > MaxCursorBytes)
        {
            throw new CheckpointerException(
                ErrorCode.LimitExceeded, $"The data cursor of step {report.Step} is longer than {MaxCursorBytes} bytes.");
        }

        if (report.RngDigest?.Length > MaxRngDigestChars)
        {
            throw new CheckpointerException(
                ErrorCode.LimitExceeded, $"The RNG digest of step {report.Step} is longer than {MaxRngDigestChars} characters.");
        }
    }

    /// <summary>A state by its name in snake_case.</summary>
    public static SnapshotState State(string? name)
    {
        foreach (var state in Enum.GetValues<SnapshotState>())
        {
            if (JsonNamingPolicy.SnakeCaseLower.ConvertName(state.ToString()) == name)
            {
                return state;
            }
        }

        throw new CheckpointerException(
            ErrorCode.InvalidRequest, "until is one of open, captured, sealed, durable and failed.");
    }

    private static void Require(bool holds, string rule)
    {
        if (!holds)
        {
            throw new CheckpointerException(ErrorCode.InvalidRequest, $"The request is not understood: {rule}.");
        }
    }
}
