using System.Globalization;
using Spectre.Console;

namespace Checkpointer.Cli.Doctor;

/// <summary>The report for people: a table on a terminal, a line for each check elsewhere.</summary>
internal sealed class DoctorConsole(IAnsiConsole output)
{
    private bool IsTerminal => output.Profile.Out.IsTerminal;

    public void Show(DoctorReport report)
    {
        if (IsTerminal)
        {
            ShowTable(report.Checks);
        }
        else
        {
            ShowLines(report.Checks);
        }

        var sum = (report.Failed, report.Warnings) switch
        {
            (0, 0) => "All is well",
            (0, var warnings) => $"It works; {Count(warnings, "warning")}",
            (var failed, 0) => $"{Count(failed, "check")} failed",
            var (failed, warnings) => $"{Count(failed, "check")} failed, {Count(warnings, "warning")}",
        };
        var line = string.Create(CultureInfo.InvariantCulture, $"{sum} ({report.Seconds:0.0} s).");
        if (IsTerminal)
        {
            output.MarkupLine($"[bold {Colour(report.Outcome)}]{Markup.Escape(line)}[/]");
        }
        else
        {
            output.Profile.Out.Writer.WriteLine(line);
        }
    }

    private void ShowTable(IReadOnlyList<CheckResult> checks)
    {
        var table = new Table { Border = TableBorder.Rounded };
        table.AddColumn(new TableColumn("").NoWrap()).AddColumn(new TableColumn("check").NoWrap()).AddColumn("found");
        var area = "";
        foreach (var check in checks)
        {
            if (check.Area != area)
            {
                area = check.Area;
                table.AddRow("", $"[bold]{area}[/]", "");
            }

            var remedy = check.Remedy is null ? "" : $"\n[{(check.Outcome == CheckOutcome.Skipped ? "grey" : "bold")}]→ {Markup.Escape(check.Remedy)}[/]";
            table.AddRow($"[{Colour(check.Outcome)}]{Name(check.Outcome)}[/]", $"  {Markup.Escape(check.Check)}", Markup.Escape(check.Found) + remedy);
        }

        output.Write(table);
    }

    // A line for a script to read is never broken in two.
    private void ShowLines(IReadOnlyList<CheckResult> checks)
    {
        var writer = output.Profile.Out.Writer;
        foreach (var check in checks)
        {
            writer.WriteLine($"{Name(check.Outcome),-8} {check.Area}: {check.Check}: {check.Found}");
            if (check.Remedy is { } remedy)
            {
                writer.WriteLine($"         -> {remedy}");
            }
        }
    }

    private static string Count(int number, string noun) =>
        string.Create(CultureInfo.InvariantCulture, $"{number} {noun}{(number == 1 ? "" : "s")}");

    private static string Name(CheckOutcome outcome) => outcome.ToString().ToLowerInvariant();

    private static string Colour(CheckOutcome outcome) => outcome switch
    {
        CheckOutcome.Ok => "green",
        CheckOutcome.Warning => "yellow",
        CheckOutcome.Failed => "red",
        _ => "grey",
    };
}
