using System.Globalization;
using Spectre.Console;

namespace Checkpointer.Cli.Demo;

/// <summary>What a person sees of the demo: timed lines as things happen, and a table at the end. Thread-safe.</summary>
internal sealed class DemoConsole(IAnsiConsole console, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly long _start = time.GetTimestamp();

    /// <summary>Something happened.</summary>
    public void Say(string text) => Write("grey", text);

    /// <summary>Something good happened.</summary>
    public void Good(string text) => Write("green", text);

    /// <summary>Something was broken, on purpose or not.</summary>
    public void Bad(string text) => Write("red", text);

    /// <summary>A new part of the story begins.</summary>
    public void Chapter(string title)
    {
        lock (_gate)
        {
            console.WriteLine();
            console.Write(new Rule($"[bold]{Markup.Escape(title)}[/]") { Justification = Justify.Left });
        }
    }

    /// <summary>The table that ends the demo.</summary>
    public void Summary(DemoReport report)
    {
        var table = new Table { Border = TableBorder.Rounded };
        table.AddColumn("what").AddColumn("found").AddColumn("");
        void Row(string what, string found, bool? holds = null) => table.AddRow(
            Markup.Escape(what),
            Markup.Escape(found),
            holds switch { true => "[green]ok[/]", false => "[red]WRONG[/]", null => "" });

        Row("killed", $"{report.Kill.Victim}, at step {report.Kill.AtStep}");
        Row("object store", report.Store);
        Row("committed before the kill", report.CommittedBeforeKill?.ToString() ?? "nothing");
        Row("in memory, at a peer too, before the kill", report.ProtectedBeforeKill?.ToString() ?? "nothing");
        Row("resumed from", report.ResumedFrom is { } from ? $"step {from.Step} ({from.Tier})" : "no resume was needed");
        if (report.Seconds is { } seconds)
        {
            Row("recovery", string.Create(CultureInfo.InvariantCulture,
                $"launcher {seconds.Detect:0.0} s + plan {seconds.Plan:0.00} s + restore {seconds.Restore:0.000} s; first step after {seconds.ToFirstStep:0.0} s"));
        }

        Row("skipped steps", Number(report.SkippedSteps), report.SkippedSteps == 0);
        Row("replayed steps", Number(report.ReplayedSteps));
        Row("replay divergences", Number(report.ReplayDivergences), report.ReplayDivergences == 0);
        Row("losses unlike the uninterrupted run's", Number(report.LossDifferences), report.LossDifferences == 0);
        Row("checkpoints committed", Number(report.CheckpointsCommitted), report.CheckpointsCommitted > 0);
        Row("uninterrupted sha256", Short(report.BaselineSha256));
        Row("recovered sha256", Short(report.RecoveredSha256), report.BitwiseEqual);
        lock (_gate)
        {
            console.WriteLine();
            console.Write(table);
            foreach (var failure in report.Failures)
            {
                console.MarkupLine($"[red]WRONG[/] {Markup.Escape(failure)}");
            }

            console.MarkupLine(report.Failures.Count == 0
                ? "[bold green]Exact[/]: the run with the failure ended bit for bit where the uninterrupted one did."
                : "[bold red]Not exact.[/]");
        }
    }

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Short(string sha256) => sha256.Length > 16 ? sha256[..16] + "…" : sha256;

    private void Write(string colour, string text)
    {
        var seconds = time.GetElapsedTime(_start).TotalSeconds;
        lock (_gate)
        {
            console.MarkupLine(string.Create(CultureInfo.InvariantCulture,
                $"[dim]{seconds,6:0.0}s[/]  [{colour}]{Markup.Escape(text)}[/]"));
        }
    }
}
