using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Notifying;
using Checkpointer.TestKit;

namespace Checkpointer.Service.Tests.Notifying;

public sealed class WebhookCursorTests : IDisposable
{
    private static readonly RunId A = RunId.Parse("a");
    private static readonly RunId B = RunId.Parse("b");

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Open_TheFirstTime_BeginsBehindWhatThereIs()
    {
        var cursor = WebhookCursor.Open(_folder.Path, new Dictionary<RunId, long> { [A] = 7 });
        Assert.Equal((7L, 0L), (cursor.Of(A), cursor.Of(B)));
    }

    [Fact]
    public void Open_Again_GoesOnWhereItWas_WhateverThereIsByNow()
    {
        var cursor = WebhookCursor.Open(_folder.Path, new Dictionary<RunId, long> { [A] = 7 });
        cursor.Advance(A, 8);
        cursor.Advance(B, 1);

        var again = WebhookCursor.Open(_folder.Path, new Dictionary<RunId, long> { [A] = 100, [B] = 100, [RunId.Parse("c")] = 100 });
        Assert.Equal((8L, 1L, 0L), (again.Of(A), again.Of(B), again.Of(RunId.Parse("c"))));
    }

    [Fact]
    public void Open_EvenWithoutAnAdvance_TheFirstBeginningHolds()
    {
        _ = WebhookCursor.Open(_folder.Path, new Dictionary<RunId, long>());
        Assert.Equal(0, WebhookCursor.Open(_folder.Path, new Dictionary<RunId, long> { [A] = 5 }).Of(A));
    }

    [Theory]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("[1]")]
    [InlineData("""{"a":"x"}""")]
    [InlineData("""{"a":1""")]
    public void Open_AFileThatCannotBeRead_IsRefusedAndNamed(string text)
    {
        File.WriteAllText(_folder.File("webhook.json"), text);
        var error = Assert.Throws<CheckpointerException>(() => WebhookCursor.Open(_folder.Path, new Dictionary<RunId, long>()));
        Assert.Equal(ErrorCode.JournalCorrupt, error.Code);
        Assert.Contains("webhook.json", error.Message, StringComparison.Ordinal);
    }
}
