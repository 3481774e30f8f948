using System.Globalization;
using Checkpointer.Chaos.Judging;
using Spectre.Console;

namespace Checkpointer.Chaos;

/// <summary>The report for people.</summary>
internal static class ChaosTables
{
    /// <summary>Prints it.</summary>
    public static void Print(ChaosReport report)
    {
        var table = new Table { Border = TableBorder.Rounded };
        table.AddColumn("what").AddColumn("found");
        void Row(string what, string found) => table.AddRow(Markup.Escape(what), Markup.Escape(found));
        Row("strikes that hit", Number(report.Kills));
        Row("recovered", Number(report.Recovered));
        Row("exact", Number(report.Exact));
        Row("earlier failures that led up to one", Number(report.EarlierFailures));
        Row("jobs", string.Create(CultureInfo.InvariantCulture, $"{report.Jobs} of {report.Steps} steps, seed {report.Seed}"));
        Row("store", report.SpoiledRequests > 0 ? $"{report.Store}, {Number(report.SpoiledRequests)} requests spoiled" : report.Store);
        Row("network", report.Network);
        Row("by force", Text(report.ByForce));
        Row("by target", Text(report.ByTarget));
        Row("by phase", Text(report.ByPhase));
        Row("to the first new step", string.Create(CultureInfo.InvariantCulture, $"{report.Seconds.P50:0.0} s (median), {report.Seconds.P99:0.0} s (99 %)"));
        AnsiConsole.WriteLine();
        AnsiConsole.Write(table);
        foreach (var failure in report.Failures)
        {
            AnsiConsole.MarkupLine($"[red]WRONG[/] {Markup.Escape(failure)}");
        }

        AnsiConsole.MarkupLine(report.Failures.Count == 0 && report.Exact == report.Kills
            ? "[bold green]Exact[/]: every job that was struck ended bit for bit where the undisturbed one did."
            : "[bold red]Not exact.[/]");
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Text(IReadOnlyDictionary<string, int> counts) =>
        string.Join(", ", counts.Select(count => string.Create(CultureInfo.InvariantCulture, $"{count.Key} {count.Value}")));
}
