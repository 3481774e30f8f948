using System.Text.Json;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs;

namespace Checkpointer.Service.Tests.Runs;

public sealed class LedgerTests
{
    private const int World = 2;
    private readonly RunDriver _run = new();

    public LedgerTests() => _run.Start("a", World);

    [Fact]
    public void Steps_InOrder_AreRecorded()
    {
        var result = _run.Report(1, 3);
        Assert.Equal(new Step(3), result.LedgerStep);
        Assert.Empty(result.Incidents);
        Assert.Equal(new Step(3), _run.State.Summarise().LedgerStep);
        Assert.All(_run.State.ListLedger(null, 10).Items, entry => Assert.False(entry.Replayed || entry.Diverged));
        Assert.NotNull(_run.State.FindAttempt(_run.Attempt)!.FirstStepAt);
    }

    [Fact]
    public void Steps_RepeatedEqually_ChangeNothing()
    {
        _run.Report(1, 3);
        var repeated = _run.Send(_run.StepsOf(RunDriver.StepOf(2) with { StepMs = 5 }, RunDriver.StepOf(3)));

        Assert.Empty(repeated.Events);
        Assert.Equal(new Step(3), repeated.Answer!.LedgerStep);
    }

    [Fact]
    public void Steps_RepeatedOtherwise_KeepTheFirstAndRecordTheRest()
    {
        _run.Report(1, 3);
        var other = _run.StepsOf(RunDriver.StepOf(2, loss: 9), RunDriver.StepOf(3), RunDriver.StepOf(4));
        var refusal = _run.Refused(other, ErrorCode.StepRepeated);

        Assert.Contains("loss", refusal.Message, StringComparison.Ordinal);
        Assert.Equal([1, 2, 3, 4], Steps());
        Assert.Equal(RunDriver.StepOf(2).Loss, _run.State.ListLedger(null, 10).Items[1].Report.Loss);
        Assert.Equal(IncidentKind.StepRepeated, Assert.Single(_run.Incidents).Kind);
        _run.Refused(other, ErrorCode.StepRepeated);
        Assert.Single(_run.Incidents);
    }

    [Fact]
    public void Steps_WithAGap_AreAcceptedWithAnIncident()
    {
        _run.Report(1, 2);
        var result = _run.Report(5, 6);

        Assert.Equal(IncidentKind.LedgerGap, Assert.Single(result.Incidents).Kind);
        Assert.Equal([1, 2, 5, 6], Steps());
        _run.Refused(_run.StepsOf(RunDriver.StepOf(4)), ErrorCode.StepOutOfOrder);
        Assert.Single(_run.Incidents);
    }

    [Fact]
    public void FirstStepOfAnAttempt_IsTheOneAfterTheResumedStep()
    {
        _run.Report(1, 10);
        _run.SealAll(8, World);
        _run.Start("b", World);

        Assert.Equal(new Step(8), _run.State.Summarise().LedgerStep);
        _run.Refused(_run.StepsOf(RunDriver.StepOf(8)), ErrorCode.StepOutOfOrder);
        Assert.Empty(_run.Report(9, 9).Incidents);
        Assert.Empty(_run.Incidents);
        Assert.Equal(new Step(9), _run.State.Summarise().LedgerStep);
    }

    [Fact]
    public void ReplayedSteps_AreComparedBitForBit()
    {
        _run.Report(1, 4);
        _run.Start("b", World);
        var result = _run.Accepted(_run.StepsOf(
            RunDriver.StepOf(1),
            RunDriver.StepOf(2) with { Loss = Math.BitIncrement(RunDriver.StepOf(2).Loss!.Value) },
            RunDriver.StepOf(3) with { RngDigest = "other" },
            RunDriver.StepOf(4),
            RunDriver.StepOf(5)));

        var second = _run.State.ListLedger(null, 10).Items.Where(entry => entry.Attempt == new Attempt(2)).ToList();
        Assert.Equal([true, true, true, true, false], second.Select(entry => entry.Replayed));
        Assert.Equal([false, true, true, false, false], second.Select(entry => entry.Diverged));
        var incident = Assert.Single(result.Incidents);
        Assert.Equal((IncidentKind.ReplayDivergence, (Step?)new Step(2)), (incident.Kind, incident.Step));
        Assert.Contains("attempt 1: loss", incident.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ReplayedSteps_AreComparedWithTheNewestAttemptOfTheSameWay()
    {
        _run.Report(1, 10);
        _run.SealAll(4, World);
        _run.Start("b", World);
        _run.Accepted(_run.StepsOf(RunDriver.StepOf(5, loss: 7), RunDriver.StepOf(6), RunDriver.StepOf(7)));
        _run.SealAll(7, World);
        _run.Start("c", World);
        _run.Accepted(_run.StepsOf(RunDriver.StepOf(8), RunDriver.StepOf(9, loss: 7)));

        // Node 0 dies with both images of step 7, and with step 4; the run begins again.
        _run.Memory.Clear();
        _run.Start("d", World);
        Assert.Null(_run.State.CurrentPlan!.ResumeFrom);
        _run.Accepted(_run.StepsOf([.. Enumerable.Range(1, 9).Select(step => RunDriver.StepOf(step))]));

        // Attempts 2 and 3 left from points that attempt 4 never was at: it is compared with attempt 1 only.
        var fourth = _run.State.ListLedger(null, 100).Items.Where(entry => entry.Attempt == new Attempt(4));
        Assert.All(fourth, entry => Assert.True(entry.Replayed && !entry.Diverged));
        var second = _run.State.ListLedger(null, 100).Items.Where(entry => entry.Attempt == new Attempt(2));
        Assert.Equal([true, false, false], second.Select(entry => entry.Diverged));
        var third = _run.State.ListLedger(null, 100).Items.Where(entry => entry.Attempt == new Attempt(3));
        Assert.Equal([false, true], third.Select(entry => entry.Diverged));
    }

    [Fact]
    public void Values_AreComparedByBits()
    {
        _run.Accepted(_run.StepsOf(
            new StepReport { Step = new Step(1), Loss = double.NaN, GradNorm = double.PositiveInfinity, DataCursor = Json("""{"a": [1, 2] }""") },
            new StepReport { Step = new Step(2), Loss = 0.0, Skipped = true },
            new StepReport { Step = new Step(3) },
            new StepReport { Step = new Step(4), DataCursor = Json("null") }));
        _run.Crash();
        Assert.Empty(_run.Send(_run.StepsOf(
            new StepReport
            {
                Step = new Step(1),
                Loss = BitConverter.Int64BitsToDouble(0x7ff8000000000123),
                GradNorm = double.PositiveInfinity,
                DataCursor = Json("""{"a":[1,2]}"""),
            },
            new StepReport { Step = new Step(4) })).Events);
        foreach (var other in new[]
        {
            new StepReport { Step = new Step(2), Loss = -0.0, Skipped = true },
            new StepReport { Step = new Step(2), Loss = 0.0, Skipped = false },
            new StepReport { Step = new Step(2), Loss = null, Skipped = true },
            new StepReport { Step = new Step(3), GradNorm = 0 },
            new StepReport { Step = new Step(3), DataCursor = Json("3") },
            new StepReport { Step = new Step(1), Loss = double.NaN, GradNorm = double.PositiveInfinity, DataCursor = Json("""{"a":[1,2.0]}""") },
        })
        {
            _run.Refused(_run.StepsOf(other), ErrorCode.StepRepeated);
        }
    }

    [Fact]
    public void Resume_FromAStepThatTheLedgerLacks_IsAGap()
    {
        _run.Report(1, 3);
        _run.SealAll(5, World);
        _run.Start("b", World);

        Assert.Equal(IncidentKind.LedgerGap, Assert.Single(_run.Incidents).Kind);
        Assert.Equal(new Step(3), _run.State.Summarise().LedgerStep);
        Assert.Empty(_run.Report(6, 6).Incidents);
    }

    [Fact]
    public void Resume_OfAJobThatReportsNoSteps_IsNoGap()
    {
        _run.SealAll(5, World);
        _run.Start("b", World);

        Assert.Empty(_run.Incidents);
        Assert.Null(_run.State.Summarise().LedgerStep);
    }

    [Fact]
    public void Cursor_OfTheDeepestJsonARequestCanHave_SurvivesTheJournal()
    {
        var deep = string.Concat(new string('[', 60), new string(']', 60));
        _run.Accepted(_run.StepsOf(new StepReport { Step = new Step(1), DataCursor = Json(deep) }));
        _run.Accepted(_run.StepsOf(new StepReport { Step = new Step(2), DataCursor = Json("""{"k":1,"k":2,"é":"\u00e9<"}""") }));

        Assert.Equal(RunDriver.BytesOf(_run.State), RunDriver.BytesOf(_run.Replay()));
        Assert.Equal(
            deep, RunState.FromSnapshot(_run.State.ToSnapshot(), new RunOptions()).ListLedger(null, 1).Items[0].Report.DataCursor!.Value.GetRawText());
    }

    [Fact]
    public void Report_BeyondALimit_IsRefused()
    {
        _run.Refused(_run.StepsOf(), ErrorCode.InvalidRequest);
        _run.Refused(_run.StepsOf(RunDriver.StepOf(2), RunDriver.StepOf(2)), ErrorCode.InvalidRequest);
        _run.Refused(_run.StepsOf(RunDriver.StepOf(0)), ErrorCode.InvalidRequest);
        _run.Refused(_run.StepsOf(null!), ErrorCode.InvalidRequest);
        _run.Refused(_run.StepsOf(RunDriver.StepOf(1) with { DataCursor = Json("\"\\ud800\"") }), ErrorCode.InvalidRequest);
        _run.Refused(_run.StepsOf(RunDriver.StepOf(1) with { DataCursor = Text(RunLimits.MaxDataCursorBytes - 1) }), ErrorCode.LimitExceeded);
        _run.Refused(
            _run.StepsOf(RunDriver.StepOf(1) with { RngDigest = new string('x', RunLimits.MaxRngDigestLength + 1) }), ErrorCode.LimitExceeded);
        _run.Refused(
            _run.StepsOf([.. Enumerable.Range(1, RunLimits.MaxReportedSteps + 1).Select(step => RunDriver.StepOf(step))]),
            ErrorCode.LimitExceeded);
        Assert.Empty(Steps());

        _run.Accepted(_run.StepsOf(
            [.. Enumerable.Range(1, RunLimits.MaxReportedSteps).Select(step => RunDriver.StepOf(step) with { DataCursor = Text(RunLimits.MaxDataCursorBytes - 2) })]));
        Assert.True(_run.Journal.Count > 3, "a report of 4 MiB must be cut into several entries");
        Assert.All(_run.Journal, entry => Assert.InRange(entry.Length, 1, Journal.JournalLimits.MaxPayloadBytes));
        Assert.Equal(RunLimits.MaxReportedSteps, _run.State.Ledger.Entries.Count);
    }

    [Fact]
    public void Pages_ContinueWhereTheLastEnded()
    {
        _run.Report(1, 7);
        var seen = new List<long>();
        string? after = null;
        var pages = 0;
        do
        {
            var page = _run.State.ListLedger(after, 3);
            seen.AddRange(page.Items.Select(entry => entry.Report.Step.Value));
            after = page.Next;
            pages++;
        }
        while (after is not null);

        Assert.Equal([1, 2, 3, 4, 5, 6, 7], seen);
        Assert.Equal(3, pages);
        Assert.Throws<CheckpointerException>(() => _run.State.ListLedger("-1", 3));
    }

    [Fact]
    public void Ledger_BeyondItsLimit_ForgetsTheOldestAndNumbersOn()
    {
        var ledger = new Checkpointer.Service.Runs.Ledger.StepLedger();
        for (var step = 1; step <= RunLimits.MaxLedgerEntries + 1; step++)
        {
            ledger.Append(new LedgerEntry
            {
                Attempt = new Attempt(1),
                Report = new StepReport { Step = new Step(step) },
                At = _run.Now,
                Replayed = false,
                Diverged = false,
            });
        }

        Assert.InRange(ledger.Entries.Count, RunLimits.MaxLedgerEntries * 7 / 8, RunLimits.MaxLedgerEntries);
        Assert.Equal(RunLimits.MaxLedgerEntries + 1, ledger.Forgotten + ledger.Entries.Count);
        Assert.Equal(ledger.Forgotten + 1, ledger.After(0, 1)[0].Report.Step.Value);
        Assert.Null(ledger.Find(new Attempt(1), new Step(1)));
        Assert.NotNull(ledger.Find(new Attempt(1), new Step(RunLimits.MaxLedgerEntries)));
    }

    private long[] Steps() => [.. _run.State.ListLedger(null, 100).Items.Select(entry => entry.Report.Step.Value)];

    private static JsonElement Json(string text) => JsonDocument.Parse(text).RootElement.Clone();

    private static JsonElement Text(int characters) => Json($"\"{new string('x', characters)}\"");
}
