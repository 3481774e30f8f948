using Checkpointer.Cli.Doctor.Checks;

namespace Checkpointer.Cli.Doctor;

/// <summary>Makes all checks, each bounded in time, none able to hide another.</summary>
internal sealed class Doctor(DoctorSubject subject, TimeProvider time)
{
    private static readonly TimeSpan CheckTimeout = TimeSpan.FromSeconds(60);

    // A sample is given the time that a slow store needs for it.
    private const double SlowestSampleBytesPerSecond = 2 << 20;

    private IReadOnlyList<IDoctorCheck> Checks =>
    [
        new ConfigurationCheck(subject),
        new StoreCheck(subject, time),
        new CertificateCheck(subject, time),
        new ServiceCheck(subject, time),
        new AgentCheck(subject),
        new RepositoryCheck(subject, time),
        new SharedMemoryCheck(subject),
        new MemoryLimitCheck(subject),
        new LimitsCheck(subject),
        new PythonCheck(subject),
    ];

    /// <summary>All findings, in the order of the checks.</summary>
    public async Task<IReadOnlyList<Finding>> ExamineAsync(CancellationToken cancellationToken) =>
        [.. (await Task.WhenAll(Checks.Select(check => RunAsync(check, cancellationToken))).ConfigureAwait(false)).SelectMany(found => found)];

    private async Task<IReadOnlyList<Finding>> RunAsync(IDoctorCheck check, CancellationToken cancellationToken)
    {
        var timeout = CheckTimeout + (TimeSpan.FromSeconds(2) * (subject.SampleBytes / SlowestSampleBytesPerSecond));
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(timeout);
        try
        {
            // On a thread of its own: one that blocks must not hold up the others.
            return await Task.Run(() => check.RunAsync(limit.Token), limit.Token).WaitAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return [Finding.Failed(check.Area, "check", $"did not end within {timeout.TotalSeconds:0} s", "Look for a mount or a server that hangs.")];
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // A bug of one check must not cost the user the others.
            return [Finding.Failed(check.Area, "check", $"could not be made: {e.Message}", "This is a defect of doctor itself: please report it.")];
        }
    }
}
