using Checkpointer.Cli.Verifying;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Spectre.Console;

namespace Checkpointer.Cli.Tests.Verifying;

/// <summary>What a person sees of damage, on a terminal and elsewhere, and what is advised.</summary>
public sealed class VerifyConsoleTests
{
    private const string Place = "s3://checkpoints/team-a/a-long-prefix-of-a-team-that-likes-to-be-exact/";

    private static readonly RunId Run = RunId.Parse("sft-demo");

    [Fact]
    public void Terminal_100Columns_WrapsAndCapsTensors_AndLeavesTheAddressWhole()
    {
        using var text = new StringWriter();

        Console(text, terminal: true).Show(Run, Damaged("10.1"));

        var lines = text.ToString().Split('\n');
        Assert.Contains(lines, line => line.Trim() == $"corrupt: {Place}runs/sft-demo/packs/0123456789abcdef0123456789abcdef.pack");
        Assert.All(lines.Where(line => !line.Contains(Place, StringComparison.Ordinal)), line => Assert.True(line.Length <= 100, line));
        Assert.Contains("layers.7.weight … and 12 more", string.Join(' ', text.ToString().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
        Assert.DoesNotContain("layers.8.weight", text.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Pipe_GetsOneLineAFinding()
    {
        using var text = new StringWriter();

        Console(text, terminal: false).Show(Run, Damaged("10.1"));

        var line = Assert.Single(text.ToString().Split('\n'), line => line.Contains(Place, StringComparison.Ordinal));
        Assert.EndsWith("; rank 1; tensors " + string.Join(", ", Enumerable.Range(0, 8).Select(i => $"layers.{i}.weight")) + " … and 12 more", line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", null)]
    [InlineData("10.1 good, 20.1 incomplete", null)]
    [InlineData("10.1 good, 20.1 incomplete, 30.1 damaged", "Damaged: 30.1. The newest that was verified intact now is 10.1.")]
    [InlineData("10.1 damaged, 20.1 good, 30.1 good", "Damaged: 10.1. The newest that was verified intact now is 30.1.")]
    [InlineData("10.1 damaged, 20.1 incomplete", "Damaged: 10.1. None was verified intact.")]
    [InlineData("10.1 damaged", "Damaged: 10.1. Which others are intact was not looked at: checkpointer verify sft-demo --all.")]
    public void Advice_NamesDamage_AndCallsIntactOnlyWhatWasVerified(string results, string? expected)
    {
        var verified = results.Split(", ", StringSplitOptions.RemoveEmptyEntries).Select(Parse).ToList();

        var advice = VerifyAdvice.For(Run, verified);

        Assert.Equal(expected is null, advice is null);
        Assert.StartsWith(expected ?? "", advice ?? "", StringComparison.Ordinal);
    }

    [Fact]
    public void Advice_SaysWhetherARecoveryAvoidsTheDamage()
    {
        Assert.Contains(
            "a recovery takes an older checkpoint", VerifyAdvice.For(Run, [Damaged("10.1") with { Recorded = true }]), StringComparison.Ordinal);
        Assert.Contains(
            "a recovery only avoids recorded damage",
            VerifyAdvice.For(Run, [Damaged("10.1") with { Recorded = true }, Damaged("20.1")]), StringComparison.Ordinal);
    }

    private static VerifyConsole Console(StringWriter text, bool terminal)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No,
            ColorSystem = ColorSystemSupport.NoColors,
            Out = new Output(text, terminal),
        });
        return new VerifyConsole(console, Place);
    }

    private static VerifiedCheckpoint Parse(string text)
    {
        var parts = text.Split(' ');
        var damaged = Damaged(parts[0]);
        return damaged with
        {
            Verification = damaged.Verification with { Outcome = Enum.Parse<VerificationOutcome>(parts[1], ignoreCase: true) },
        };
    }

    private static VerifiedCheckpoint Damaged(string checkpoint) => new()
    {
        Checkpoint = CheckpointId.Parse(checkpoint),
        Recorded = false,
        Verification = new VerificationReport
        {
            Outcome = VerificationOutcome.Damaged,
            By = VerifiedBy.Operator,
            StartedAt = DateTimeOffset.UnixEpoch,
            Seconds = 1,
            Shards = 2,
            Packs = 3,
            Chunks = 4,
            Bytes = 5,
            BytesRead = 5,
            UnreadBytes = 0,
            FindingCount = 1,
            Findings =
            [
                new VerificationFinding
                {
                    Kind = VerificationFindingKind.Corrupt,
                    Key = "runs/sft-demo/packs/0123456789abcdef0123456789abcdef.pack",
                    Detail = "has 12 chunks that are not what was sealed (first chunk 3 of rank 1)",
                    Ranks = [new Rank(1)],
                    RankCount = 1,
                    Tensors = [.. Enumerable.Range(0, 20).Select(i => $"layers.{i}.weight")],
                    TensorCount = 20,
                    Bytes = 5,
                },
            ],
        },
    };

    private sealed class Output(StringWriter writer, bool terminal) : IAnsiConsoleOutput
    {
        public TextWriter Writer => writer;

        public bool IsTerminal => terminal;

        public int Width => 100;

        public int Height => 50;

        public void SetEncoding(System.Text.Encoding encoding)
        {
        }
    }
}
