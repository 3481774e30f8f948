using System.Globalization;
using System.Security.Cryptography;
using Checkpointer.Formats.Errors;
using Checkpointer.Storage;
using Checkpointer.Storage.Probing;

namespace Checkpointer.Cli.Doctor.Checks;

/// <summary>Whether the store keeps what a repository rests on, found out by doing it.</summary>
internal sealed class StoreCheck(DoctorSubject subject, TimeProvider time) : IDoctorCheck
{
    public string Area => "store";

    public async Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancellationToken)
    {
        if (subject.Store is not { } options)
        {
            return [Finding.Skipped(Area, "store", "none is named: give --store, CHECKPOINTER_STORE, or store.url in a configuration file")];
        }

        try
        {
            var random = new Random(BitConverter.ToInt32(RandomNumberGenerator.GetBytes(sizeof(int))));
            var store = ObjectStores.OpenResilient(Impatient(options), time, random);
            var report = await new StoreProbe(store, time, random)
                .RunAsync(new ProbeOptions { SampleBytes = subject.SampleBytes }, cancellationToken).ConfigureAwait(false);
            return [Finding.Ok(Area, "place", report.Store), .. report.Results.Select(result => ToFinding(report, result))];
        }
        catch (CheckpointerException e)
        {
            return [Finding.Failed(Area, "store", e.Message, "Correct the setting.")];
        }
    }

    /// <summary>A person waits: two attempts, and seconds instead of minutes.</summary>
    public static StoreOptions Impatient(StoreOptions options) => options with
    {
        CreateFolder = false,
        Resilience = options.Resilience with
        {
            MaxAttempts = 2,
            AttemptTimeout = TimeSpan.FromSeconds(8),
            CallTimeout = TimeSpan.FromSeconds(20),
            HedgedShare = 0,
        },
    };

    private Finding ToFinding(ProbeReport report, ProbeResult result)
    {
        var name = result.Check switch
        {
            ProbeCheck.ReadAfterWrite => "read after write",
            ProbeCheck.ConditionalPut => "conditional put",
            ProbeCheck.RangedRead => "ranged read",
            ProbeCheck.ListAfterWrite => "list after write",
            ProbeCheck.Delete => "delete",
            ProbeCheck.Clock => "clock",
            ProbeCheck.Throughput => "throughput",
            _ => "clean-up",
        };
        return result.Outcome switch
        {
            ProbeOutcome.Passed => Finding.Ok(Area, name, Describe(report, result)),
            ProbeOutcome.Warned => Finding.Warning(Area, name, result.Problem!, result.Remedy!),
            ProbeOutcome.Skipped => Finding.Skipped(
                Area, name, result.Check == ProbeCheck.Throughput && subject.SampleBytes == 0 ? "no sample was asked for" : "what came before failed"),
            _ => Finding.Failed(Area, name, result.Problem!, result.Remedy ?? "Mend the store, or name another."),
        };
    }

    private static string Describe(ProbeReport report, ProbeResult result) => result.Check switch
    {
        ProbeCheck.Clock when report.ClockSkew is { } skew =>
            string.Create(CultureInfo.InvariantCulture, $"{Math.Abs(skew.TotalSeconds):0.#} s off"),
        ProbeCheck.Throughput when report is { PutBytesPerSecond: { } put, GetBytesPerSecond: { } get } =>
            $"put {ByteSize.Show((long)put)}/s, get {ByteSize.Show((long)get)}/s",
        _ => string.Create(CultureInfo.InvariantCulture, $"{result.Milliseconds:0} ms"),
    };
}
