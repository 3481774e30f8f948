using System.Text;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Service.Runs;
using Checkpointer.Service.Runs.Events;

namespace Checkpointer.Service.Tests.Runs;

public sealed class JournalCodecTests
{
    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("""{"run":"x","events":null}""")]
    [InlineData("""{"run":"x","events":[{"type":"rank_departed","at":"2026-01-01T00:00:00+00:00"}]}""")]
    [InlineData("""{"run":"x","events":[{"at":"2026-01-01T00:00:00+00:00"}]}""")]
    [InlineData("""{"run":"x","events":[{"type":"step_disputed","at":"2026-01-01T00:00:00+00:00","attempt":1,"step":2,"new":3}]}""")]
    [InlineData("""{"run":"x","events":[{"type":"step_disputed","at":"2026-01-01T00:00:00+00:00","attempt":0,"step":2}]}""")]
    [InlineData("""{"run":"../x","events":[]}""")]
    public void Decode_WhatWasNotWritten_IsJournalCorrupt(string text) =>
        Assert.Equal(
            ErrorCode.JournalCorrupt,
            Assert.Throws<CheckpointerException>(() => RunEventCodec.Decode(Encoding.UTF8.GetBytes(text))).Code);

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("""{"runs":[{}]}""")]
    [InlineData("""{"runs":[],"more":1}""")]
    public void Decode_SnapshotThatWasNotWritten_IsJournalCorrupt(string text) =>
        Assert.Equal(
            ErrorCode.JournalCorrupt,
            Assert.Throws<CheckpointerException>(() => SavedRunCodec.Decode(Encoding.UTF8.GetBytes(text))).Code);

    [Fact]
    public void Entries_AreReadableJsonWithTheKindFirst()
    {
        var run = new RunDriver();
        run.Start("a", 1);

        Assert.StartsWith(
            """{"run":"sft-demo","events":[{"type":"rank_joined","incarnation":"a","rank":0,"world_size":1,"node":"node-0",""",
            Encoding.UTF8.GetString(run.Journal[0]),
            StringComparison.Ordinal);
        Assert.Contains("\"type\":\"attempt_granted\"", Encoding.UTF8.GetString(run.Journal[0]), StringComparison.Ordinal);
    }

    /// <summary>Entries as earlier versions of this program wrote them, to the byte: they are in journals.</summary>
    [Theory]
    [MemberData(nameof(OldEntries))]
    public void Decode_EntriesOfEarlierVersions_StillReads(string text, Action<object> check) =>
        check(Assert.Single(RunEventCodec.Decode(Encoding.UTF8.GetBytes(text)).Events));

    public static TheoryData<string, Action<object>> OldEntries => new()
    {
        {
            // Faults of a restore were texts.
            """{"run":"sft-demo","events":[{"type":"restore_recorded","report":{"attempt":2,"rank":0,"node":"node-0","checkpoint":{"step":10,"attempt":1},"succeeded":true,"plan":1,"local_memory_bytes":1000,"peer_memory_bytes":0,"storage_bytes":0,"restore_ms":3,"faults":["Image of rank 0 from the memory of node node-1 (http://10.0.0.7:7071): chunk_corrupt: chunk 3 does not hash to what was sealed","and 2 more"]},"at":"2026-01-02T03:04:05+00:00","incidents":[{"number":1,"kind":"corrupt_copy","at":"2026-01-02T03:04:05+00:00","attempt":2,"step":10,"ranks":[0],"message":"Rank 0 on node node-0 met bad copies while restoring 10.1: …"}]}]}""",
            happened =>
            {
                var recorded = Assert.IsType<RestoreRecorded>(happened);
                Assert.All(recorded.Report.Faults, fault => Assert.Equal(CopyFaultKind.Other, fault.Kind));
                Assert.Equal("and 2 more", recorded.Report.Faults[1].Message);
                Assert.Equal(IncidentKind.CorruptCopy, Assert.Single(recorded.Incidents!).Kind);
            }
        },
        {
            // Incidents did not say how a rank died.
            """{"run":"sft-demo","events":[{"type":"failure_detected","kind":"rank_died","at":"2026-01-02T03:04:05+00:00","incidents":[{"number":1,"kind":"rank_died","at":"2026-01-02T03:04:05+00:00","attempt":1,"ranks":[1],"node":"node-0","card":"cuda:1","evidence":"process 7 is gone.","message":"Rank 1 died."}]}]}""",
            happened =>
            {
                var died = Assert.Single(Assert.IsType<FailureDetected>(happened).Incidents!);
                Assert.Equal(("cuda:1", null), (died.Card, died.Failure));
            }
        },
    };

    [Theory]
    [InlineData("""5""")]
    [InlineData("""{}""")]
    [InlineData("""{"kind":"corrupt"}""")]
    [InlineData("""{"message":"m"}""")]
    [InlineData("""{"kind":"Corrupt","message":"m"}""")]
    [InlineData("""{"kind":0,"message":"m"}""")]
    [InlineData("""{"kind":"corrupt","message":"m","rank":-1}""")]
    [InlineData("""{"kind":"corrupt","message":"m","rank":"0"}""")]
    [InlineData("""{"kind":"corrupt","message":"m","tier":"floppy"}""")]
    [InlineData("""{"kind":"corrupt","message":null}""")]
    [InlineData("""{"kind":"corrupt","message":"m","more":1}""")]
    public void Decode_AFaultThatIsNone_IsJournalCorrupt(string fault) => Assert.Equal(
        ErrorCode.JournalCorrupt,
        Assert.Throws<CheckpointerException>(() => RunEventCodec.Decode(Encoding.UTF8.GetBytes(
            $$$"""{"run":"sft-demo","events":[{"type":"restore_recorded","report":{"attempt":2,"rank":0,"node":"node-0","checkpoint":{"step":10,"attempt":1},"succeeded":true,"local_memory_bytes":0,"peer_memory_bytes":0,"storage_bytes":0,"restore_ms":3,"faults":[{{{fault}}}]},"at":"2026-01-02T03:04:05+00:00"}]}"""))).Code);

    [Fact]
    public void Encode_NoEvents_IsNoEntry() => Assert.Empty(RunEventCodec.Encode(RunDriver.Run, []));
}
