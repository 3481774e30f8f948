using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using Checkpointer.Agent.Presences;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Agent.Tests.Presences;

/// <summary>The lines of a presence stream, right, wrong and cut anywhere.</summary>
public sealed class PresenceReaderTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    private readonly Pipe _pipe = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(1000)]
    public async Task ReadLine_HoweverTheBytesCome_GivesTheSameLines(int bytesAtOnce)
    {
        var writing = WriteAsync("{\"attempt\":3,\"pid\":7,\"card\":\"cuda:1\"}\n{}\n{\"step\":5}\n{\"goodbye\":true,\"error\":\"é\"}\n", bytesAtOnce);
        var first = await ReadAsync();
        Assert.Equal((new Attempt(3), 7, "cuda:1"), (first!.Attempt!.Value, first.Pid, first.Card));
        Assert.Equal(new Contracts.Trainers.PresenceLine(), await ReadAsync());
        Assert.Equal(new Step(5), (await ReadAsync())!.Step);
        var last = await ReadAsync();
        Assert.Equal((true, "é"), (last!.Goodbye, last.Error));
        Assert.Null(await ReadAsync());
        await writing;
    }

    [Fact]
    public async Task ReadLine_AStreamThatEndsAmidALine_IsOver()
    {
        await WriteAsync("{\"step\":5}\n{\"goodbye\":tr");
        Assert.NotNull(await ReadAsync());
        Assert.Null(await ReadAsync());
    }

    [Fact]
    public async Task ReadLine_AConnectionThatBreaksOff_ThrowsAsItDoes()
    {
        await _pipe.Writer.CompleteAsync(new IOException("reset"));
        await Assert.ThrowsAsync<IOException>(async () => await ReadAsync());
    }

    [Theory]
    [InlineData(PresenceReader.MaxLineBytes, true)]
    [InlineData(PresenceReader.MaxLineBytes + 1, false)]
    public async Task ReadLine_LongerThanTheLimit_IsRefused(int length, bool isTaken)
    {
        var line = "{\"step\":5}".PadRight(length);
        await WriteAsync(line + "\n");
        await CheckAsync(isTaken);
    }

    [Fact]
    public async Task ReadLine_ThatNeverEnds_IsRefusedWhenItIsTooLong_NotWhenMemoryIs()
    {
        // Nobody completes the stream: what refuses it is its length.
        var writing = _pipe.Writer.WriteAsync(new byte[PresenceReader.MaxLineBytes + 1], Cancel);
        await CheckAsync(isTaken: false);
        await _pipe.Reader.CompleteAsync();
        _ = await writing;
    }

    [Theory]
    [InlineData(FailureReport.MaxCardLength, 0, true)]
    [InlineData(FailureReport.MaxCardLength + 1, 0, false)]
    [InlineData(0, PresenceReader.MaxErrorLength, true)]
    [InlineData(0, PresenceReader.MaxErrorLength + 1, false)]
    public async Task ReadLine_WithALongCardOrError_IsRefused(int card, int error, bool isTaken)
    {
        await WriteAsync($$"""{"card":"{{new string('c', card)}}","error":"{{new string('e', error)}}"}""" + "\n");
        await CheckAsync(isTaken);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("5")]
    [InlineData("{\"step\":-1}")]
    [InlineData("{\"attempt\":0}")]
    [InlineData("{\"attempt\":\"x\"}")]
    [InlineData("{\"goodbye\":1}")]
    [InlineData("{\"step\":5")]
    [InlineData("{\"step\":5}{\"step\":6}")]
    [InlineData("nonsense")]
    [InlineData("\u0000")]
    public async Task ReadLine_ThatIsNoLine_IsMalformed(string line)
    {
        await WriteAsync(line + "\n");
        await Assert.ThrowsAnyAsync<JsonException>(async () => await ReadAsync());
    }

    private Task<Contracts.Trainers.PresenceLine?> ReadAsync() => _pipe.Reader.ReadLineAsync(Cancel).AsTask().WaitAsync(Deadline, Cancel);

    private async Task CheckAsync(bool isTaken)
    {
        if (isTaken)
        {
            Assert.NotNull(await ReadAsync());
        }
        else
        {
            Assert.Equal(ErrorCode.LimitExceeded, (await Assert.ThrowsAsync<CheckpointerException>(async () => await ReadAsync())).Code);
        }
    }

    private async Task WriteAsync(string text, int bytesAtOnce = int.MaxValue)
    {
        foreach (var part in Encoding.UTF8.GetBytes(text).Chunk(bytesAtOnce))
        {
            _ = await _pipe.Writer.WriteAsync(part, Cancel);
        }

        await _pipe.Writer.CompleteAsync();
    }
}
