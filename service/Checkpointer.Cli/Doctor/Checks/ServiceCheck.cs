using System.Globalization;
using System.Net.Http.Json;
using Checkpointer.Contracts;

namespace Checkpointer.Cli.Doctor.Checks;

/// <summary>Whether the service answers, can use its store, and has our time.</summary>
internal sealed class ServiceCheck(DoctorSubject subject, TimeProvider time) : IDoctorCheck
{
    private static readonly TimeSpan MaxClockSkew = TimeSpan.FromSeconds(30);

    // The Date header has whole seconds and is made once a second.
    private static readonly TimeSpan Resolution = TimeSpan.FromSeconds(2);

    public string Area => "service";

    public async Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancellationToken)
    {
        using var http = new HttpClient { BaseAddress = subject.Service, Timeout = TimeSpan.FromSeconds(10) };
        try
        {
            using var answer = await http.GetAsync("v1/store", cancellationToken).ConfigureAwait(false);
            if (!answer.IsSuccessStatusCode)
            {
                return [Absent($"answers {(int)answer.StatusCode} where the service would tell of its store: something else listens there")];
            }

            var store = await answer.Content
                .ReadFromJsonAsync(ContractsJsonContext.Default.StoreStatus, cancellationToken).ConfigureAwait(false);
            return
            [
                Finding.Ok(Area, "reachable", subject.Service.GetLeftPart(UriPartial.Authority)),
                store!.Ready
                    ? Finding.Ok(Area, "its store", store.Description)
                    : Finding.Failed(
                        Area, "its store", $"{store.Description}: {store.Problem}",
                        "Mend the store where the service runs; until then nothing is committed, and training goes on."),
                Clock(answer),
            ];
        }
        catch (Exception e) when (HttpTrouble.Is(e, cancellationToken))
        {
            return [Absent(e is TaskCanceledException ? "did not answer within 10 s" : e.Message)];
        }
    }

    private Finding Absent(string why)
    {
        var where = subject.Service.GetLeftPart(UriPartial.Authority);
        return subject.ExpectsService
            ? Finding.Failed(
                Area, "reachable", $"{where}: {why}",
                "Start it ('checkpointer service'), or correct --service. An agent keeps what it has to report until the service is back.")
            : Finding.Skipped(Area, "reachable", $"none answers at {where}; name one with --service");
    }

    private Finding Clock(HttpResponseMessage answer)
    {
        if (answer.Headers.Date is not { } theirs)
        {
            return Finding.Skipped(Area, "clock", "it does not tell its time");
        }

        var skew = theirs - time.GetUtcNow();
        var text = skew.Duration() <= Resolution
            ? "agrees with this machine's"
            : string.Create(CultureInfo.InvariantCulture, $"{Math.Abs(skew.TotalSeconds):0} s off");
        return skew.Duration() <= MaxClockSkew
            ? Finding.Ok(Area, "clock", text)
            : Finding.Warning(Area, "clock", text, "Let NTP or chrony set the clocks of both machines: records would be dated wrongly.");
    }
}
