using System.Globalization;

namespace Checkpointer.Cli.Tests;

/// <summary>Durations as people write them.</summary>
public sealed class DurationTests
{
    [Theory]
    [InlineData("0", "00:00:00", "0")]
    [InlineData("0s", "00:00:00", "0")]
    [InlineData("30s", "00:00:30", "30s")]
    [InlineData("10m", "00:10:00", "10m")]
    [InlineData("90m", "01:30:00", "1h30m")]
    [InlineData("1h30m", "01:30:00", "1h30m")]
    [InlineData("500ms", "00:00:00.5", "500ms")]
    [InlineData("1m500ms", "00:01:00.5", "1m500ms")]
    [InlineData("24h", "1.00:00:00", "1d")]
    [InlineData("1d2h3m4s5ms", "1.02:03:04.005", "1d2h3m4s5ms")]
    [InlineData("00:00:01", "00:00:01", "1s")]
    [InlineData("1.00:00:00.25", "1.00:00:00.25", "1d250ms")]
    public void TryParse_ReadsIt_AndShowsItShort(string text, string expected, string shown)
    {
        Assert.True(Duration.TryParse(text, out var value));
        Assert.Equal(TimeSpan.Parse(expected, CultureInfo.InvariantCulture), value);
        Assert.Equal(shown, new Duration(value).ToString());
        Assert.True(Duration.TryParse(shown, out var again));
        Assert.Equal(value, again);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("5")]
    [InlineData("-5s")]
    [InlineData("-00:00:01")]
    [InlineData("30m1h")]
    [InlineData("1h1h")]
    [InlineData("1.5h")]
    [InlineData("5 m")]
    [InlineData("10:30")]
    [InlineData("25:00:00")]
    [InlineData("1h\n")]
    [InlineData("٣s")]
    [InlineData("9999999999s")]
    [InlineData("soon")]
    public void TryParse_WhatIsNone_IsRefused(string text) => Assert.False(Duration.TryParse(text, out _));

    [Fact]
    public void TryParse_LargestNumbers_DoNotOverflow()
    {
        Assert.True(Duration.TryParse("999999d9999999h999999999m999999999s999999999ms", out var value));
        Assert.True(value > TimeSpan.FromDays(999_999));
    }
}
