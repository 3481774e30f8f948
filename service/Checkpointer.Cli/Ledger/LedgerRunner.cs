using Checkpointer.Cli.Operating;
using Checkpointer.Contracts;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Cli.Ledger;

/// <summary>Reads a run's ledger page by page, and writes what of it is wanted.</summary>
internal sealed class LedgerRunner(OperatorClient client, LedgerOptions options)
{
    private static readonly ContractsJsonContext Json = ContractsJsonContext.Default;

    /// <summary>The exit status; trouble is thrown.</summary>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        var attempts = new Dictionary<Attempt, AttemptSummary>();
        await foreach (var attempt in client.ListAsync($"v1/runs/{options.Run}/attempts", Json.PageAttemptSummary, cancellationToken).ConfigureAwait(false))
        {
            attempts.Add(attempt.Attempt, attempt);
        }

        if (options.Attempt is { } wanted && attempts.Count > 0 && !attempts.ContainsKey(new Attempt(wanted)))
        {
            throw new CliException($"Run {options.Run} has no attempt {wanted}; it has 1 to {attempts.Count}.", ExitCode.Usage);
        }

        var summary = options.Export is { } path
            ? await ExportAsync(path, attempts, cancellationToken).ConfigureAwait(false)
            : await WriteAsync(Console.Out, attempts, cancellationToken).ConfigureAwait(false);
        if (options.Export is not null || options.Format == LedgerFormat.Text)
        {
            Console.WriteLine($"run {options.Run}, {(options.AllLineages ? "all lineages" : "current lineage")}, {summary}");
        }

        return ExitCode.Success;
    }

    // A file that is there is whole: a run's ledger can be long, and the service go away amid it.
    private async Task<LedgerSummary> ExportAsync(
        string path, Dictionary<Attempt, AttemptSummary> attempts, CancellationToken cancellationToken)
    {
        var partial = path + ".partial";
        try
        {
            LedgerSummary summary;
            await using (var file = new StreamWriter(partial))
            {
                summary = await WriteAsync(file, attempts, cancellationToken).ConfigureAwait(false);
            }

            File.Move(partial, path, overwrite: true);
            return summary;
        }
        catch (UnauthorizedAccessException e)
        {
            throw new CliException(e.Message);
        }
        finally
        {
            File.Delete(partial);
        }
    }

    private async Task<LedgerSummary> WriteAsync(
        TextWriter output, Dictionary<Attempt, AttemptSummary> attempts, CancellationToken cancellationToken)
    {
        var lineage = new CurrentLineage(attempts);
        var summary = new LedgerSummary();
        var writer = new LedgerWriter(output, options.Format);
        writer.Begin();
        await foreach (var entry in client.ListAsync($"v1/runs/{options.Run}/ledger", Json.PageLedgerEntry, cancellationToken).ConfigureAwait(false))
        {
            if (IsWanted(entry, lineage))
            {
                writer.Write(entry);
                summary.Add(entry, options.From is null ? attempts.GetValueOrDefault(entry.Attempt)?.ResumedFrom?.Step.Value : null);
            }
        }

        writer.End();
        return summary;
    }

    private bool IsWanted(LedgerEntry entry, CurrentLineage lineage)
    {
        var step = entry.Report.Step;
        return (options.From is not { } from || step.Value >= from)
            && (options.To is not { } to || step.Value <= to)
            && (options.Attempt is not { } attempt || entry.Attempt.Value == attempt)
            && (options.AllLineages || lineage.Contains(entry.Attempt, step));
    }
}
