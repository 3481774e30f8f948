using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Verifying;
using Checkpointer.Storage;
using Checkpointer.Storage.Repository;
using Checkpointer.Storage.Verification;
using Spectre.Console;

namespace Checkpointer.Cli.Verifying;

/// <summary>Verifies checkpoints straight from the store, shows what is found, and has the service record it.</summary>
internal sealed class VerifyRunner(VerifyOptions options, TimeProvider time, Action<string> warn)
{
    private const int MaxObjectsListed = 100_000;
    private const int MaxRunsNamed = 20;

    /// <summary>The exit status; trouble of the store before anything was verified is thrown.</summary>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        var store = ObjectStores.OpenResilient(options.Store, time, new Random(RandomNumberGenerator.GetInt32(int.MaxValue)));
        var chosen = await ChooseAsync(store, cancellationToken).ConfigureAwait(false);
        var output = AnsiConsole.Console;
        var errors = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });

        // On one terminal results and bar must go through one console, or they overwrite each other.
        var bar = !options.Json && output.Profile.Out.IsTerminal ? output : errors;
        var shown = options.Json ? null : new VerifyConsole(output, ObjectStores.PlaceOf(options.Store));
        using var recorder = new VerificationRecorder(options.Service, warn);
        var (results, progress) = (new List<VerifiedCheckpoint>(), new ProgressBox());
        var verifier = new CheckpointVerifier(
            store, new VerificationOptions { Parallelism = options.Parallelism, BytesPerSecond = options.BytesPerSecond }, time);
        await new ProgressView(bar, time).RunAsync(Title(chosen), progress, async () =>
        {
            await foreach (var found in verifier.VerifyAsync(options.Run, chosen, progress, cancellationToken).ConfigureAwait(false))
            {
                var verified = new VerifiedCheckpoint
                {
                    Checkpoint = found.Checkpoint,
                    Recorded = await recorder.RecordAsync(
                        options.Run, found.Checkpoint, VerificationReports.Of(found, VerifiedBy.Operator), cancellationToken).ConfigureAwait(false),
                    Verification = VerificationReports.InFull(found, VerifiedBy.Operator),
                };
                results.Add(verified);
                shown?.Show(options.Run, verified);
            }
        }).ConfigureAwait(false);

        if (VerifyAdvice.For(options.Run, results) is { } advice)
        {
            shown?.Advise(advice);
        }

        var worst = Worst(results);
        if (options.Json)
        {
            var result = new VerifyResult
            {
                Run = options.Run,
                Store = store.Description,
                Place = ObjectStores.PlaceOf(options.Store),
                NewestIntact = VerifyAdvice.NewestIntact(results)?.Checkpoint,
                Outcome = worst,
                Checkpoints = results,
            };
            await Console.Out.WriteLineAsync(JsonSerializer.Serialize(result, OutputJsonContext.Default.VerifyResult)).ConfigureAwait(false);
        }

        return worst switch
        {
            VerificationOutcome.Good => ExitCode.Success,
            VerificationOutcome.Damaged => ExitCode.Failure,
            _ => ExitCode.Incomplete,
        };
    }

    private async Task<IReadOnlyList<CheckpointId>> ChooseAsync(IObjectStore store, CancellationToken cancellationToken)
    {
        var committed = await store.ListCommittedAsync(options.Run, cancellationToken).ConfigureAwait(false);
        if (committed.Count > 0)
        {
            return options.Choice.Select(options.Run, committed);
        }

        var (runs, more) = await store.ListRunsAsync(MaxObjectsListed, cancellationToken).ConfigureAwait(false);
        var there = runs.Count == 0
            ? "There is no run at all"
            : $"There {(runs.Count == 1 ? "is" : "are")} {string.Join(", ", runs.Take(MaxRunsNamed))}{(more || runs.Count > MaxRunsNamed ? " and perhaps more" : "")}";
        throw new CliException(
            runs.Contains(options.Run)
                ? $"Run {options.Run} has no committed checkpoint yet in the store ({store.Description})."
                : $"There is no run {options.Run} in the store ({store.Description}). {there}.",
            ExitCode.Usage);
    }

    private string Title(IReadOnlyList<CheckpointId> chosen) => chosen.Count == 1
        ? $"{options.Run} {chosen[0]}"
        : string.Create(CultureInfo.InvariantCulture, $"{options.Run}, {chosen.Count} checkpoints");

    private static VerificationOutcome Worst(List<VerifiedCheckpoint> results) =>
        results.Exists(result => result.Verification.Outcome == VerificationOutcome.Damaged) ? VerificationOutcome.Damaged
        : results.Exists(result => result.Verification.Outcome == VerificationOutcome.Incomplete) ? VerificationOutcome.Incomplete
        : VerificationOutcome.Good;
}
