using System.Globalization;

namespace Checkpointer.Cli.Doctor;

/// <summary>Makes all checks side by side. One that hangs or breaks is a line of the report like any other.</summary>
internal sealed class DoctorRunner(DoctorOptions options, TimeProvider time)
{
    /// <summary>The report; throws only when cancelled.</summary>
    public Task<DoctorReport> RunAsync(CancellationToken cancellationToken) => RunAsync(Checklist.All, cancellationToken);

    internal async Task<DoctorReport> RunAsync(
        IReadOnlyList<(string Area, string Name, ICheck Check)> checks, CancellationToken cancellationToken)
    {
        using var surroundings = new Surroundings(options, time);
        var began = time.GetTimestamp();
        var results = await Task.WhenAll(checks.Select(async check =>
        {
            var findings = await RunAsync(check.Check, surroundings, cancellationToken).ConfigureAwait(false);
            return findings.Select(finding => new CheckResult
            {
                Area = check.Area,
                Check = finding.Part ?? check.Name,
                Outcome = finding.Outcome,
                Found = finding.Found,
                Remedy = finding.Remedy,
            });
        })).ConfigureAwait(false);
        return DoctorReport.Of([.. results.SelectMany(lines => lines)], time.GetElapsedTime(began));
    }

    private async Task<IReadOnlyList<Finding>> RunAsync(ICheck check, Surroundings surroundings, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(options.Timeout, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            // A thread of its own, and not waited for beyond the deadline: a dead mount blocks whoever touches it.
            return await Task.Run(() => check.RunAsync(surroundings, linked.Token), linked.Token)
                .WaitAsync(linked.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw;
        }
        catch (OperationCanceledException)
        {
            return [Finding.Failed(
                string.Create(CultureInfo.InvariantCulture, $"not done within {options.Timeout.TotalSeconds:0} s"),
                "What it looks at hangs or is slow; give it longer with --timeout.")];
        }
        catch (Exception e)
        {
            // The edge between checks: whatever is wrong with one must not hide what the others found.
            return [Finding.Failed($"the check itself failed: {e.GetType().Name}: {e.Message}", "The other checks went on. This is a bug of doctor's: report it.")];
        }
    }
}
