using System.Globalization;
using Checkpointer.Formats.Errors;
using Checkpointer.Storage.Probing;

namespace Checkpointer.Cli.Doctor.Checks;

/// <summary>Whether the store is there and keeps what a repository rests on: done beneath a prefix that is deleted afterwards.</summary>
internal sealed class StoreCheck : ICheck
{
    public async Task<IReadOnlyList<Finding>> RunAsync(Surroundings surroundings, CancellationToken cancellationToken)
    {
        try
        {
            if (surroundings.Store is not { } store)
            {
                return [Finding.Skipped("no store is named", "Give --store URL, CHECKPOINTER_STORE, or store.url in the configuration file.")];
            }

            var report = await new StoreProbe(store, surroundings.Time, Surroundings.NewRandom())
                .RunAsync(new ProbeOptions { SampleBytes = surroundings.Options.SampleBytes }, cancellationToken).ConfigureAwait(false);
            var reachable = report.FirstUnavailable is { } away && away == report.Results[0]
                ? Finding.Failed(away.Problem!, away.Remedy!)
                : Finding.Ok(report.Store);
            return
            [
                reachable with { Part = "reachable" },
                .. report.Results.Select(result => Describe(result, report)),
            ];
        }
        catch (CheckpointerException e) when (e.Code == ErrorCode.ConfigurationInvalid)
        {
            return [Finding.Failed(e.Message, "Correct the store's URL, options or credentials; the README tells of all of them.")];
        }
    }

    private static Finding Describe(ProbeResult result, ProbeReport report)
    {
        var part = Name(result.Check);

        // Said once, as "reachable".
        var isAway = result.Outcome == ProbeOutcome.Unavailable && result == report.Results[0];
        if (isAway || result.Outcome == ProbeOutcome.Skipped)
        {
            return result.Check == ProbeCheck.Throughput && report.FirstUnavailable is null
                ? Finding.Skipped("not measured", "Give --sample SIZE, such as 64MiB.") with { Part = part }
                : Finding.Skipped("not known: the store could not be used") with { Part = part };
        }

        var outcome = result.Outcome switch
        {
            ProbeOutcome.Passed => CheckOutcome.Ok,
            ProbeOutcome.Warned => CheckOutcome.Warning,
            _ => CheckOutcome.Failed,
        };
        return new Finding(outcome, result.Problem ?? Found(result, report), result.Remedy) { Part = part };
    }

    private static string Found(ProbeResult result, ProbeReport report) => result.Check switch
    {
        ProbeCheck.Clock => string.Create(CultureInfo.InvariantCulture, $"{Math.Abs(report.ClockSkew?.TotalSeconds ?? 0):0} s from this machine's"),
        ProbeCheck.Throughput =>
            $"put {ByteSize.Show((long)(report.PutBytesPerSecond ?? 0))}/s, get {ByteSize.Show((long)(report.GetBytesPerSecond ?? 0))}/s",
        _ => string.Create(CultureInfo.InvariantCulture, $"as it must be ({result.Milliseconds:0} ms)"),
    };

    private static string Name(ProbeCheck check) => check switch
    {
        ProbeCheck.ReadAfterWrite => "read after write",
        ProbeCheck.ConditionalPut => "conditional writes",
        ProbeCheck.RangedRead => "ranged reads",
        ProbeCheck.ListAfterWrite => "listing",
        ProbeCheck.Delete => "deletes",
        ProbeCheck.Clock => "clock",
        ProbeCheck.Throughput => "throughput",
        _ => "cleaned up",
    };
}
