using System.Globalization;
using System.Text.Json;
using Checkpointer.Contracts;
using Checkpointer.Contracts.Runs;

namespace Checkpointer.Cli.Ledger;

/// <summary>
/// Writes entries as they come. Floating point values are written so that they read back as the same bits: what the ledger
/// is for.
/// </summary>
internal sealed class LedgerWriter(TextWriter output, LedgerFormat format)
{
    private const int MaxCursorChars = 40;
    private const int MaxDigestChars = 16;

    private bool _any;

    /// <summary>What comes before the first entry.</summary>
    public void Begin()
    {
        if (format == LedgerFormat.Csv)
        {
            output.Write("step,attempt,loss,grad_norm,skipped,replayed,diverged,data_cursor,rng_digest,step_ms,at\r\n");
        }
        else if (format == LedgerFormat.Text)
        {
            output.WriteLine(Row("step", "attempt", "loss", "grad norm", "step ms", "marks", "rng", "data cursor"));
        }
    }

    /// <summary>One entry.</summary>
    public void Write(LedgerEntry entry)
    {
        switch (format)
        {
            case LedgerFormat.Csv:
                WriteCsv(entry);
                break;
            case LedgerFormat.Json:
                output.Write(_any ? ",\n " : "[");
                output.Write(JsonSerializer.Serialize(entry, ContractsJsonContext.Default.LedgerEntry));
                break;
            default:
                var report = entry.Report;
                output.WriteLine(Row(
                    report.Step.ToString(),
                    entry.Attempt.ToString(),
                    Exact(report.Loss),
                    Exact(report.GradNorm),
                    report.StepMs is { } time ? time.ToString("0.0", CultureInfo.InvariantCulture) : "",
                    string.Join(' ', Marks(entry)),
                    Cut(report.RngDigest ?? "", MaxDigestChars),
                    Cut(report.DataCursor?.GetRawText() ?? "", MaxCursorChars)));
                break;
        }

        _any = true;
    }

    /// <summary>What comes after the last entry.</summary>
    public void End()
    {
        if (format == LedgerFormat.Json)
        {
            output.WriteLine(_any ? "]" : "[]");
        }
    }

    private void WriteCsv(LedgerEntry entry)
    {
        var report = entry.Report;
        output.Write(string.Join(
            ',',
            report.Step,
            entry.Attempt,
            Exact(report.Loss),
            Exact(report.GradNorm),
            Flag(report.Skipped),
            Flag(entry.Replayed),
            Flag(entry.Diverged),
            Quote(report.DataCursor?.GetRawText() ?? ""),
            Quote(report.RngDigest ?? ""),
            Exact(report.StepMs),
            entry.At.ToString("O", CultureInfo.InvariantCulture)));
        output.Write("\r\n");
    }

    private static IEnumerable<string> Marks(LedgerEntry entry)
    {
        if (entry.Report.Skipped)
        {
            yield return "skipped";
        }

        if (entry.Diverged)
        {
            yield return "DIVERGED";
        }
        else if (entry.Replayed)
        {
            yield return "replayed";
        }
    }

    private static string Row(
        string step, string attempt, string loss, string gradNorm, string time, string marks, string digest, string cursor) =>
        $"{step,9}  {attempt,7}  {loss,24}  {gradNorm,24}  {time,9}  {marks,-16}  {digest,-MaxDigestChars}  {cursor}".TrimEnd();

    // The shortest text that reads back as the same double; the sign of a NaN's payload is not kept anywhere.
    private static string Exact(double? value) => value?.ToString("R", CultureInfo.InvariantCulture) ?? "";

    private static string Flag(bool value) => value ? "true" : "false";

    private static string Cut(string text, int most) => text.Length <= most ? text : $"{text.AsSpan(0, most - 1)}…";

    private static string Quote(string text) =>
        text.AsSpan().IndexOfAny(",\"\r\n") < 0 ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
