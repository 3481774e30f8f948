using System.Text.Json;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs;
using Checkpointer.Service.Runs.Commands;

namespace Checkpointer.Service.Tests.Runs;

public sealed class CursorTests
{
    private readonly RunDriver _run = new();

    public CursorTests() => _run.Start("a", 2);

    [Fact]
    public void SavedCursor_ThatIsTheReportedOne_IsNothingToTell_HoweverItIsWritten()
    {
        Report(1, """{"shard": 3, "at": 17}""");
        Save(1, 0, """{"shard":3,   "at":17}""");
        Save(1, 1, "99");
        Report(2, "5");
        Save(2, 0, null);
        _run.Accepted(_run.StepsOf(RunDriver.StepOf(3)));
        Save(3, 0, "7");
        Assert.Empty(_run.Incidents);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void SavedCursor_ThatIsAnother_IsAnIncident_WhicheverComesFirst(bool stepFirst)
    {
        if (stepFirst)
        {
            Report(1, """{"shard":3}""");
            Assert.Empty(_run.Incidents);
        }

        Save(1, 0, """{"shard":2}""");
        Save(1, 1, """{"shard":1}""");
        if (!stepFirst)
        {
            Assert.Empty(_run.Incidents);
            _run.Crash();
            Report(1, """{"shard":3}""");
        }

        var incident = Assert.Single(_run.Incidents);
        Assert.Equal(
            (IncidentKind.CursorMismatch, new Attempt(1), new Step(1)), (incident.Kind, incident.Attempt!.Value, incident.Step!.Value));
        Assert.Contains("""{"shard":2}""", incident.Message, StringComparison.Ordinal);
        Assert.Contains("""{"shard":3}""", incident.Message, StringComparison.Ordinal);
        Save(1, 0, """{"shard":2}""");
        Report(1, """{"shard":3}""");
        Assert.Single(_run.Incidents);
    }

    [Fact]
    public void SavedCursor_HasALimit()
    {
        Save(1, 0, $"\"{new string('x', RunLimits.MaxDataCursorBytes - 2)}\"");
        var body = _run.SealOf(2, 0).Body with { DataCursor = JsonElement.Parse($"\"{new string('x', RunLimits.MaxDataCursorBytes - 1)}\"") };
        _run.Refused(new RecordSnapshot(body), ErrorCode.LimitExceeded);
        _run.Refused(
            new RecordSnapshot(body with { DataCursor = JsonElement.Parse("\"\\ud800\"") }), ErrorCode.InvalidRequest);
    }

    private void Report(long step, string cursor) =>
        _run.Accepted(_run.StepsOf(RunDriver.StepOf(step) with { DataCursor = JsonElement.Parse(cursor) }));

    private void Save(long step, int rank, string? cursor) => _run.Accepted(new RecordSnapshot(
        _run.SealOf(step, rank).Body with { DataCursor = cursor is null ? null : JsonElement.Parse(cursor) }));
}
