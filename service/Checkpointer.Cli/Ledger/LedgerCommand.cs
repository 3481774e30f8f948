using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Checkpointer.Cli.Configuration;
using Checkpointer.Cli.Operating;

namespace Checkpointer.Cli.Ledger;

/// <summary><c>checkpointer ledger</c>.</summary>
internal static class LedgerCommand
{
    private const string Csv = "csv";
    private const string Current = "current";
    private const string All = "all";

    /// <summary>The verb with its options.</summary>
    public static Command Create()
    {
        var run = RunArgument.Create();
        var output = OutputOption.Create(Csv);
        var from = new Option<long?>("--from") { Description = "The first step to show.", HelpName = "STEP", CustomParser = ParseStep };
        var to = new Option<long?>("--to") { Description = "The last step to show.", HelpName = "STEP", CustomParser = ParseStep };
        var attempt = new Option<int?>("--attempt")
        {
            Description = "Only what this attempt ran.",
            HelpName = "N",
            CustomParser = result => WholeNumber.Between(1, int.MaxValue, example: 2)(result),
        };
        var lineage = new Option<string>("--lineage")
        {
            Description = "'current': the steps that led to where the run is, each once; 'all': also those that were undone.",
            DefaultValueFactory = _ => Current,
        };
        lineage.AcceptOnlyFromAmong(Current, All);
        var export = new Option<string?>("--export")
        {
            Description = "Write it to a file instead: as --output says, else as the name ends (.json; anything else is CSV).",
            HelpName = "FILE",
        };
        var command = new Command(
            "ledger",
            "Shows the record of a run's steps: loss and gradient norm to the last bit, data cursor, RNG digest, and which steps were "
            + "skipped, replayed after a failure, or came out differently then.")
        {
            run, from, to, attempt, lineage, export, ServiceSetting.Option, output,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = new OperatorClient(ServiceSetting.Of(parsed));
            var file = parsed.GetValue(export);
            var options = new LedgerOptions
            {
                Run = parsed.GetValue(run),
                From = parsed.GetValue(from),
                To = parsed.GetValue(to),
                Attempt = parsed.GetValue(attempt),
                AllLineages = parsed.GetValue(lineage) == All || parsed.GetValue(attempt) is not null,
                Format = FormatOf(parsed.GetValue(output), parsed.GetResult(output) is { Implicit: false }, file),
                Export = file,
            };
            return await new LedgerRunner(client, options).RunAsync(cancellationToken).ConfigureAwait(false);
        });
        return command;
    }

    private static long? ParseStep(ArgumentResult result) =>
        long.TryParse(result.Text(), NumberStyles.None, CultureInfo.InvariantCulture, out var step) && step >= 1
            ? step
            : result.Refuse<long?>("is no step", "write a whole number of at least 1, such as 120");

    private static LedgerFormat FormatOf(string? output, bool isSaid, string? file) => (output, file) switch
    {
        (OutputOption.Json, _) => LedgerFormat.Json,
        (Csv, _) => LedgerFormat.Csv,
        (_, { } path) when !isSaid => path.EndsWith(".json", StringComparison.OrdinalIgnoreCase) ? LedgerFormat.Json : LedgerFormat.Csv,
        _ => LedgerFormat.Text,
    };
}
