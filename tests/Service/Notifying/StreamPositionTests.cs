using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Notifying;

namespace Checkpointer.Service.Tests.Notifying;

public sealed class StreamPositionTests
{
    private static readonly RunId Run = RunId.Parse("b");

    [Fact]
    public void Parse_WhatToStringWrote_IsThePosition()
    {
        var position = StreamPosition.Of(RunId.Parse("sft-demo"), At(1_767_000_000_123, 7));
        Assert.Equal("1767000000123.sft-demo.7", position.ToString());
        Assert.Equal(position, StreamPosition.Parse(position.ToString()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("1")]
    [InlineData("1.b")]
    [InlineData("1.b.2.3")]
    [InlineData("-1.b.2")]
    [InlineData("1.b.-2")]
    [InlineData("1.B.2")]
    [InlineData("1..2")]
    [InlineData("1.b. 2")]
    [InlineData("1.b.99999999999999999999")]
    [InlineData("99999999999999999999.b.1")]
    public void Parse_WhatIsNone_IsInvalidRequest(string text) =>
        Assert.Equal(ErrorCode.InvalidRequest, Assert.Throws<CheckpointerException>(() => StreamPosition.Parse(text)).Code);

    [Fact]
    public void Precedes_InItsOwnRun_GoesByNumberWhateverTheClockDid()
    {
        var position = new StreamPosition(1000, Run, 5);
        Assert.False(position.Precedes(Run, At(2000, 5)));
        Assert.False(position.Precedes(Run, At(2000, 4)));
        Assert.True(position.Precedes(Run, At(500, 6)));
    }

    [Fact]
    public void Precedes_InOtherRuns_GoesByTime_AndRepeatsRatherThanMisses()
    {
        var position = new StreamPosition(1000, Run, 5);
        Assert.False(position.Precedes(RunId.Parse("c"), At(999, 9)));
        Assert.True(position.Precedes(RunId.Parse("a"), At(1001, 1)));
        Assert.True(position.Precedes(RunId.Parse("a"), At(1000, 1)));
        Assert.True(position.Precedes(RunId.Parse("c"), At(1000, 1)));
    }

    private static Incident At(long ms, long number) => new()
    {
        Number = number,
        Kind = IncidentKind.RankDied,
        At = DateTimeOffset.FromUnixTimeMilliseconds(ms),
        Ranks = [],
        Message = "it died",
    };
}
