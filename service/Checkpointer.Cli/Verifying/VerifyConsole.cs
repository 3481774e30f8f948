using System.Globalization;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Spectre.Console;

namespace Checkpointer.Cli.Verifying;

/// <summary>
/// What a person sees of a verification: a line for each checkpoint, what is wrong with it, and what to make of that;
/// wrapped on a terminal, one line a finding elsewhere.
/// </summary>
internal sealed class VerifyConsole(IAnsiConsole output, string place)
{
    private const int MaxNamedTensors = 8;
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

        foreach (var finding in report.Findings)
        {
            Show(finding);
        }
    }

    /// <summary>What to make of all that was shown.</summary>
    public void Advise(string advice) => Line(Markup.Escape(advice));

    private static string Describe(VerificationReport report)
    {
        var rate = report.Seconds > 0 ? $" at {ByteSize.Show((long)(report.BytesRead / report.Seconds))}/s" : "";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{Count(report.Shards, "shard")}, {Count(report.Packs, "pack")}, {Count(report.Chunks, "chunk")}, {ByteSize.Show(report.Bytes)}; read {ByteSize.Show(report.BytesRead)} in {report.Seconds:0.0} s{rate}");
    }

    private void Show(VerificationFinding finding)
    {
        var kind = finding.Kind.ToString().ToLowerInvariant();
        var hit = RanksOf(finding) + TensorsOf(finding, "; tensors ");
        if (!IsTerminal)
        {
            Line(Markup.Escape($"  {kind}: {place}{finding.Key} {finding.Detail}; {hit}"));
            return;
        }

        var colour = finding.Kind == VerificationFindingKind.Unreadable ? Color.Yellow : Color.Red;
        output.Write(new UnbrokenLine($"  {kind}: ", new Style(colour), place + finding.Key));
        output.Write(new Padder(new Text(finding.Detail), new Padding(4, 0, 0, 0)));
        output.Write(new Padder(new Text(hit), new Padding(4, 0, 0, 0)));
    }

    private static string RanksOf(VerificationFinding finding) => finding.RankCount == 0
        ? "all ranks"
        : (finding.RankCount == 1 ? "rank " : "ranks ") + string.Join(", ", finding.Ranks.Take(MaxNamedRanks))
            + More(finding.RankCount - Math.Min(finding.Ranks.Count, MaxNamedRanks));

    private static string TensorsOf(VerificationFinding finding, string before) => finding.TensorCount == 0
        ? ""
        : before + string.Join(", ", finding.Tensors.Take(MaxNamedTensors))
            + More(finding.TensorCount - Math.Min(finding.Tensors.Count, MaxNamedTensors));

    private static string Count(int count, string what) =>
        string.Create(CultureInfo.InvariantCulture, $"{count} {what}{(count == 1 ? "" : "s")}");

    private static string More(int count) => count > 0 ? string.Create(CultureInfo.InvariantCulture, $" … and {count} more") : "";

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
