using System.Text.Encodings.Web;
using System.Text.Json;
using Checkpointer.Contracts.Runs;

namespace Checkpointer.Service.Runs.Ledger;

/// <summary>The values of a step that must not change when the step is replayed.</summary>
internal static class StepValues
{
    /// <summary>
    /// The report with its data cursor as this program writes it (no insignificant white space, one way to escape), so
    /// that its text is the same before and after a journal. A JSON null is no cursor.
    /// </summary>
    public static StepReport Normalise(StepReport report) => report.DataCursor switch
    {
        null => report,
        { ValueKind: JsonValueKind.Null or JsonValueKind.Undefined } => report with { DataCursor = null },
        { } cursor => report with { DataCursor = Rewrite(cursor) },
    };

    /// <summary>A data cursor's text as in <see cref="Normalise"/>; null if there is none.</summary>
    public static string? TextOf(JsonElement? cursor) => cursor switch
    {
        null or { ValueKind: JsonValueKind.Null or JsonValueKind.Undefined } => null,
        { } value => Rewrite(value).GetRawText(),
    };

    /// <summary>
    /// Names what differs between two normalised reports of one step; empty if nothing. Loss and gradient norm count as equal
    /// if their bits are, so 0 and -0 differ; all NaNs count as equal, because JSON carries no payload of theirs. The step's
    /// time is not compared.
    /// </summary>
    public static IReadOnlyList<string> Differences(StepReport before, StepReport after)
    {
        var differences = new List<string>();
        void Compare(bool equal, string name)
        {
            if (!equal)
            {
                differences.Add(name);
            }
        }

        Compare(SameBits(before.Loss, after.Loss), "loss");
        Compare(SameBits(before.GradNorm, after.GradNorm), "grad_norm");
        Compare(before.Skipped == after.Skipped, "skipped");
        Compare(before.DataCursor?.GetRawText() == after.DataCursor?.GetRawText(), "data_cursor");
        Compare(before.RngDigest == after.RngDigest, "rng_digest");
        return differences;
    }

    /// <summary>Characters of a report's texts, which a ledger's memory is bounded by.</summary>
    public static long TextLength(StepReport report) =>
        (report.DataCursor?.GetRawText().Length ?? 0) + (report.RngDigest?.Length ?? 0);

    private static bool SameBits(double? before, double? after) => (before, after) switch
    {
        (null, null) => true,
        ({ } left, { } right) => (double.IsNaN(left) && double.IsNaN(right))
            || BitConverter.DoubleToInt64Bits(left) == BitConverter.DoubleToInt64Bits(right),
        _ => false,
    };

    private static JsonElement Rewrite(JsonElement cursor)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.Default }))
        {
            cursor.WriteTo(writer);
        }

        using var document = JsonDocument.Parse(buffer.ToArray());
        return document.RootElement.Clone();
    }
}
