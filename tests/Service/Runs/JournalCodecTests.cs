using System.Text;
using Checkpointer.Formats.Errors;
using Checkpointer.Service.Runs;

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

    [Fact]
    public void Encode_NoEvents_IsNoEntry() => Assert.Empty(RunEventCodec.Encode(RunDriver.Run, []));
}
