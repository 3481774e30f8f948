using Checkpointer.Contracts.Runs;
using Checkpointer.Service.Coordination;
using Checkpointer.Service.Runs.Commands;

namespace Checkpointer.Service.Runs.Lineage;

/// <summary>Checks of a restore report.</summary>
internal static class RestoreReportChecks
{
    /// <summary>Why <paramref name="body"/> is refused by itself; null if it is not.</summary>
    public static Refusal? Check(RestoreReport body)
    {
        if (body.LocalMemoryBytes < 0 || body.PeerMemoryBytes < 0 || body.StorageBytes < 0
            || body.RestoreMs < 0 || !double.IsFinite(body.RestoreMs))
        {
            return RequestText.Invalid("the restore report has a length or time that cannot be.");
        }

        if (body.WaitMs is < 0 or > CoordinationLimits.MaxWaitMs)
        {
            return RequestText.Invalid($"wait_ms must be 0 to {CoordinationLimits.MaxWaitMs}; it is {body.WaitMs}.");
        }

        return RequestText.CheckName(body.Node, "node", RunLimits.MaxNodeLength, RequestText.NameCharacters)
            ?? body.Faults switch
            {
                null => RequestText.Invalid("faults must be given; it may be empty."),
                { Count: > RunLimits.MaxFaults } => RequestText.TooMany("faults", RunLimits.MaxFaults),
                _ => body.Faults.Select(Check).FirstOrDefault(refusal => refusal is not null),
            };
    }

    // JSON may hold a null where the contract has none.
    private static Refusal? Check(CopyFault? fault) => fault is null
        ? RequestText.Invalid("an element of faults must not be null.")
        : RequestText.CheckLength(fault.Message, "the message of a fault", RunLimits.MaxFaultLength)
            ?? (fault.Node is null ? null : RequestText.CheckName(fault.Node, "the node of a fault", RunLimits.MaxNodeLength, RequestText.NameCharacters));

    /// <summary>Why it does not fit the current attempt's plan, whose number it may be behind but not ahead of.</summary>
    public static Refusal? CheckPlan(RunState state, RestoreReport body, int number)
    {
        if (body.Plan is { } told && (told < 1 || told > number))
        {
            return RequestText.Invalid($"Attempt {body.Attempt} of run {state.Run} has {number} plans; there is no plan {told}.");
        }

        var resumedFrom = state.CurrentPlan!.ResumeFrom;
        return (body.Plan ?? 1) < number || resumedFrom == body.Checkpoint
            ? null
            : RequestText.Invalid(
                $"Attempt {body.Attempt} of run {state.Run} did not resume from {body.Checkpoint} but from "
                + $"{resumedFrom?.ToString() ?? "scratch"}.");
    }
}
