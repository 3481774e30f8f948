using System.Globalization;
using Checkpointer.Formats.Errors;
using Checkpointer.Storage.CrashPoints;

namespace Checkpointer.Storage.Probing;

/// <summary>
/// Finds out whether a store keeps what <see cref="IObjectStore"/> promises, by doing it beneath a prefix of its own that it
/// deletes afterwards. Nothing but that prefix, and those that dead probes left, is touched. May run beside others, on one
/// store and in one process. Failures of the store are results; only cancellation is thrown.
/// </summary>
public sealed class StoreProbe(IObjectStore store, TimeProvider time, Random random)
{
    private static readonly TimeSpan CleanupAfterCancel = TimeSpan.FromSeconds(5);

    // S3 tells times in whole seconds.
    private static readonly TimeSpan ClockResolution = TimeSpan.FromSeconds(1);

    /// <summary>Makes all checks. After one for which the store was unavailable the others are skipped.</summary>
    public async Task<ProbeReport> RunAsync(ProbeOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegative(options.SampleBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.SampleBytes, ProbeOptions.MaxSampleBytes);
        var objects = new ProbeObjects(random);
        var run = new Run(objects, time);
        try
        {
            return await CheckAsync(options, objects, run, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            await LeaveNothingAsync(objects).ConfigureAwait(false);
            throw;
        }
    }

    private async Task<ProbeReport> CheckAsync(
        ProbeOptions options, ProbeObjects objects, Run run, CancellationToken cancellationToken)
    {
        var contract = new ContractChecks(store, objects);
        TimeSpan? skew = null;
        DateTimeOffset? storeNow = null;
        (double Put, double Get)? rates = null;
        await run.AddAsync(ProbeCheck.ReadAfterWrite, () => contract.ReadAfterWriteAsync(cancellationToken)).ConfigureAwait(false);
        await run.AddAsync(ProbeCheck.ConditionalPut, () => contract.ConditionalPutAsync(cancellationToken)).ConfigureAwait(false);
        await run.AddAsync(ProbeCheck.RangedRead, () => contract.RangedReadAsync(cancellationToken)).ConfigureAwait(false);
        await run.AddAsync(ProbeCheck.ListAfterWrite, () => contract.ListAfterWriteAsync(cancellationToken)).ConfigureAwait(false);
        await run.AddAsync(ProbeCheck.Delete, () => contract.DeleteAsync(cancellationToken)).ConfigureAwait(false);
        await run.AddAsync(ProbeCheck.Clock, async () =>
        {
            (skew, storeNow) = await MeasureClockAsync(objects, cancellationToken).ConfigureAwait(false);
            return CheckClock(skew, options.MaxClockSkew);
        }).ConfigureAwait(false);
        if (options.SampleBytes == 0)
        {
            run.Skip(ProbeCheck.Throughput);
        }
        else
        {
            await run.AddAsync(ProbeCheck.Throughput, async () =>
            {
                rates = await new ThroughputSample(store, objects, time)
                    .RunAsync(options.SampleBytes, cancellationToken).ConfigureAwait(false);
                return null;
            }).ConfigureAwait(false);
        }

        await run.AddAsync(
            ProbeCheck.Cleanup,
            () => CleanUpAsync(objects, storeNow - options.StaleAfter, cancellationToken)).ConfigureAwait(false);
        return new ProbeReport
        {
            Store = store.Description,
            Results = run.Results,
            ClockSkew = skew,
            PutBytesPerSecond = rates?.Put,
            GetBytesPerSecond = rates?.Get,
        };
    }

    private async Task<(TimeSpan? Skew, DateTimeOffset? StoreNow)> MeasureClockAsync(
        ProbeObjects objects, CancellationToken cancellationToken)
    {
        var key = objects.Key("clock");
        var before = time.GetUtcNow();
        await store.PutAsync(key, new ObjectContent(objects.Bytes(1)), cancellationToken).ConfigureAwait(false);
        CrashPoint.Reach(CrashPointNames.ProbePut);
        var after = time.GetUtcNow();
        var info = await store.HeadAsync(key, cancellationToken).ConfigureAwait(false);
        if (info is not { LastModified: var put })
        {
            return (null, null);
        }

        var skew = put > after ? put - after : put < before - ClockResolution ? put - before : TimeSpan.Zero;
        return (skew, put);
    }

    private static ProbeFault? CheckClock(TimeSpan? skew, TimeSpan limit)
    {
        if (skew is not { } off)
        {
            return ProbeFault.Broken("an object that was just put is not there.", "Use a store that keeps what is put.");
        }

        return off.Duration() <= limit
            ? null
            : ProbeFault.Warning(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"its clock is {off.Duration().TotalSeconds:0} s {(off > TimeSpan.Zero ? "ahead of" : "behind")} this machine's."),
                "Synchronise both clocks (NTP). S3 refuses requests whose time is 15 minutes off.");
    }

    private async Task<ProbeFault?> CleanUpAsync(
        ProbeObjects objects, DateTimeOffset? staleBefore, CancellationToken cancellationToken)
    {
        foreach (var key in objects.Keys)
        {
            await store.DeleteAsync(key, cancellationToken).ConfigureAwait(false);
        }

        if (staleBefore is not { } before)
        {
            return null;
        }

        await foreach (var _ in StaleProbes.DeleteAsync(store, before, cancellationToken).ConfigureAwait(false))
        {
        }

        return null;
    }

    private async Task LeaveNothingAsync(ProbeObjects objects)
    {
        using var timeout = new CancellationTokenSource(CleanupAfterCancel, time);
        try
        {
            _ = await CleanUpAsync(objects, staleBefore: null, timeout.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is CheckpointerException or OperationCanceledException)
        {
            // Another probe deletes it a day later.
        }
    }

    /// <summary>The results so far, and whether going on is of use.</summary>
    private sealed class Run(ProbeObjects objects, TimeProvider time)
    {
        private readonly List<ProbeResult> _results = [];
        private bool _isAway;

        public IReadOnlyList<ProbeResult> Results => _results;

        public void Skip(ProbeCheck check) =>
            _results.Add(new ProbeResult { Check = check, Outcome = ProbeOutcome.Skipped, Milliseconds = 0 });

        public async Task AddAsync(ProbeCheck check, Func<Task<ProbeFault?>> body)
        {
            if (_isAway)
            {
                Skip(check);
                return;
            }

            var began = time.GetTimestamp();
            try
            {
                var fault = await body().ConfigureAwait(false);
                _results.Add(new ProbeResult
                {
                    Check = check,
                    Outcome = fault?.Outcome ?? ProbeOutcome.Passed,
                    Milliseconds = time.GetElapsedTime(began).TotalMilliseconds,
                    Problem = fault?.Problem,
                    Remedy = fault?.Remedy,
                });
            }
            catch (CheckpointerException e)
            {
                // What was just put is missing: an answer. Anything else says nothing of the check.
                var isBroken = e.Code == ErrorCode.NotFound;
                _isAway = !isBroken;
                _results.Add(new ProbeResult
                {
                    Check = check,
                    Outcome = isBroken ? ProbeOutcome.Broken : ProbeOutcome.Unavailable,
                    Milliseconds = time.GetElapsedTime(began).TotalMilliseconds,
                    Problem = e.Message,
                    Cause = e.Cause.Replace(objects.Prefix, RepositoryKeys.Probes, StringComparison.Ordinal),
                    Remedy = Remedy(e),
                    Error = e.Code,
                });
            }
        }

        private static string Remedy(CheckpointerException e) => e.Code switch
        {
            ErrorCode.NotFound => ContractChecks.ConsistencyRemedy,
            ErrorCode.StorageFull => "Make room in the store or raise its quota.",
            _ when e.IsTransient => "Make sure that the store runs and can be reached from here, then try again.",
            _ => "Mend what the message says, then try again.",
        };
    }
}
