using Spectre.Console;

namespace Checkpointer.Cli.Doctor;

/// <summary>Findings for people: grouped by what was looked at, with what to do under what is wrong.</summary>
internal sealed class DoctorConsole(IAnsiConsole output)
{
    private const int CheckWidth = 18;
    private const int PlainWidth = 4096; // whoever reads a file or a pipe wraps by himself

    /// <summary>Prints them, and a line that sums them up.</summary>
    public void Show(IReadOnlyList<Finding> findings)
    {
        if (!output.Profile.Out.IsTerminal)
        {
            output.Profile.Width = PlainWidth;
        }

        foreach (var area in findings.GroupBy(finding => finding.Area))
        {
            output.MarkupLine($"[bold]{Markup.Escape(area.Key)}[/]");
            foreach (var finding in area)
            {
                Show(finding);
            }
        }

        output.WriteLine();
        output.MarkupLine(Summary(findings));
    }

    private void Show(Finding finding)
    {
        var (colour, word) = finding.Outcome switch
        {
            FindingOutcome.Ok => ("green", "ok     "),
            FindingOutcome.Warning => ("yellow", "warning"),
            FindingOutcome.Failed => ("red", "FAILED "),
            _ => ("grey", "skipped"),
        };
        output.MarkupLine($"  [{colour}]{word}[/]  {Markup.Escape(finding.Check.PadRight(CheckWidth))}  {Markup.Escape(finding.Found)}");
        if (finding.Remedy is { } remedy)
        {
            output.MarkupLine($"           {new string(' ', CheckWidth)}  → {Markup.Escape(remedy)}");
        }
    }

    private static string Summary(IReadOnlyList<Finding> findings)
    {
        var failed = findings.Count(finding => finding.Outcome == FindingOutcome.Failed);
        var warnings = findings.Count(finding => finding.Outcome == FindingOutcome.Warning);
        return (failed, warnings) switch
        {
            (0, 0) => "[green]All is well.[/]",
            (0, _) => $"[yellow]It works, with {warnings} {(warnings == 1 ? "warning" : "warnings")}.[/]",
            _ => $"[red]{failed} {(failed == 1 ? "check" : "checks")} failed[/]{(warnings > 0 ? $", {warnings} with a warning" : "")}.",
        };
    }
}
