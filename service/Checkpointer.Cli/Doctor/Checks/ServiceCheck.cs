using System.Globalization;

namespace Checkpointer.Cli.Doctor.Checks;

/// <summary>Whether the service is there and ready, and its clock near ours.</summary>
internal sealed class ServiceCheck : ICheck
{
    private static readonly TimeSpan MaxSkew = TimeSpan.FromSeconds(5);

    public async Task<IReadOnlyList<Finding>> RunAsync(Surroundings surroundings, CancellationToken cancellationToken)
    {
        var options = surroundings.Options;
        var before = surroundings.Time.GetUtcNow();
        var (status, problem, date) = await surroundings.Service.StoreAsync(cancellationToken).ConfigureAwait(false);
        var after = surroundings.Time.GetUtcNow();
        var address = options.Service.GetLeftPart(UriPartial.Authority);
        if (status is null)
        {
            return [Finding.Missing(
                options.ServiceAskedFor,
                $"no service at {address}: {problem}",
                "Start it (checkpointer service), or name the right one with --service URL.") with { Part = "reachable" }];
        }

        var (_, unready, _) = await surroundings.Service.ReadyAsync(cancellationToken).ConfigureAwait(false);
        return
        [
            Finding.Ok($"{address} answers") with { Part = "reachable" },
            (unready is null
                ? Finding.Ok($"takes commands; {status.Description}")
                : Finding.Failed($"not ready: {unready}", "Mend what it says; the service's log tells more.")) with { Part = "ready" },
            Clock(before, date, after) with { Part = "clock" },
        ];
    }

    // The header tells whole seconds.
    private static Finding Clock(DateTimeOffset before, DateTimeOffset? date, DateTimeOffset after)
    {
        if (date is not { } told)
        {
            return Finding.Skipped("it does not tell its time");
        }

        var off = told > after ? told - after : told < before - TimeSpan.FromSeconds(2) ? before - told : TimeSpan.Zero;
        var found = string.Create(CultureInfo.InvariantCulture, $"{off.TotalSeconds:0} s from this machine's");
        return off <= MaxSkew ? Finding.Ok(found) : Finding.Warning(found, "Synchronise both clocks (NTP).");
    }
}
