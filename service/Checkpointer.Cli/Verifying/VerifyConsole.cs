using System.Globalization;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Spectre.Console;

namespace Checkpointer.Cli.Verifying;

/// <summary>
/// What a person sees of a verification: a line for each checkpoint, and what is wrong with it; a table on a terminal,
/// plain lines elsewhere.
/// </summary>
internal sealed class VerifyConsole(IAnsiConsole output)
{
    private const int MaxNamedRanks = 8;

    private bool IsTerminal => output.Profile.Out.IsTerminal;

    /// <summary>A checkpoint is done.</summary>
    public void Show(RunId run, VerifiedCheckpoint verified)
    {
        var report = verified.Verification;
        var colour = report.Outcome switch
        {
            VerificationOutcome.Good => "green",
            VerificationOutcome.Damaged => "red",
            _ => "yellow",
        };
        var outcome = report.Outcome.ToString().ToLowerInvariant();
        var recorded = verified.Recorded ? ", recorded" : "";
        Line($"{Markup.Escape($"{run} {verified.Checkpoint}")}: [bold {colour}]{outcome}[/] ({Markup.Escape(Describe(report))}{recorded})");
        if (report.Stopped is { } stopped)
        {
            Line(Markup.Escape($"  stopped with {ByteSize.Show(report.UnreadBytes)} unread: {stopped}"));
        }

        if (report.Findings.Count > 0)
        {
            if (IsTerminal)
            {
                ShowTable(report.Findings);
            }
            else
            {
                foreach (var finding in report.Findings)
                {
                    Line(Markup.Escape(
                        $"  {finding.Kind.ToString().ToLowerInvariant()}: {finding.Key} {finding.Detail}; {RanksOf(finding)}{TensorsOf(finding, "; tensors ")}"));
                }
            }
        }
    }

    private static string Describe(VerificationReport report)
    {
        var rate = report.Seconds > 0 ? $" at {ByteSize.Show((long)(report.BytesRead / report.Seconds))}/s" : "";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{Count(report.Shards, "shard")}, {Count(report.Packs, "pack")}, {Count(report.Chunks, "chunk")}, {ByteSize.Show(report.Bytes)}; read {ByteSize.Show(report.BytesRead)} in {report.Seconds:0.0} s{rate}");
    }

    private void ShowTable(IReadOnlyList<VerificationFinding> findings)
    {
        var table = new Table { Border = TableBorder.Rounded };
        table.AddColumn("").AddColumn("object").AddColumn("what").AddColumn("ranks").AddColumn("tensors");
        foreach (var finding in findings)
        {
            var kind = finding.Kind.ToString().ToLowerInvariant();
            table.AddRow(
                $"[{(finding.Kind == VerificationFindingKind.Unreadable ? "yellow" : "red")}]{kind}[/]",
                Markup.Escape(finding.Key),
                Markup.Escape(finding.Detail),
                Markup.Escape(RanksOf(finding)),
                Markup.Escape(TensorsOf(finding, "")));
        }

        output.Write(table);
    }

    private static string RanksOf(VerificationFinding finding) => finding.RankCount == 0
        ? "all ranks"
        : (finding.RankCount == 1 ? "rank " : "ranks ") + string.Join(", ", finding.Ranks.Take(MaxNamedRanks))
            + More(finding.RankCount - Math.Min(finding.Ranks.Count, MaxNamedRanks));

    private static string TensorsOf(VerificationFinding finding, string before) => finding.TensorCount == 0
        ? ""
        : before + string.Join(", ", finding.Tensors) + More(finding.TensorCount - finding.Tensors.Count);

    private static string Count(int count, string what) =>
        string.Create(CultureInfo.InvariantCulture, $"{count} {what}{(count == 1 ? "" : "s")}");

    private static string More(int count) => count > 0 ? string.Create(CultureInfo.InvariantCulture, $" and {count} more") : "";

    // A line for a script to read is never broken in two.
    private void Line(string markup)
    {
        if (IsTerminal)
        {
            output.MarkupLine(markup);
        }
        else
        {
            output.Profile.Out.Writer.WriteLine(Markup.Remove(markup));
        }
    }
}
