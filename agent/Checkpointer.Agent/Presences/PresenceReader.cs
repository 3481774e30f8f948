using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using Checkpointer.Contracts;
using Checkpointer.Contracts.Runs;
using Checkpointer.Contracts.Trainers;
using Checkpointer.Formats.Errors;

namespace Checkpointer.Agent.Presences;

/// <summary>Reads the lines of a presence stream, none longer than <see cref="MaxLineBytes"/>.</summary>
internal static class PresenceReader
{
    /// <summary>Longest line, in bytes; a longer one is <c>limit_exceeded</c>.</summary>
    public const int MaxLineBytes = 8192;

    /// <summary>Longest error that a goodbye may name, in characters.</summary>
    public const int MaxErrorLength = 1024;

    /// <summary>The next line; null when the stream is over. Throws as the connection does when that breaks off.</summary>
    public static async ValueTask<PresenceLine?> ReadLineAsync(this PipeReader reader, CancellationToken cancellationToken)
    {
        while (true)
        {
            var result = await reader.ReadAsync(cancellationToken);
            if (result.Buffer.PositionOf((byte)'\n') is { } end)
            {
                var line = Parse(result.Buffer.Slice(0, end));
                reader.AdvanceTo(result.Buffer.GetPosition(1, end));
                return line;
            }

            if (result.IsCompleted)
            {
                return null;
            }

            if (result.Buffer.Length > MaxLineBytes)
            {
                throw TooLong();
            }

            reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
    }

    private static PresenceLine Parse(in ReadOnlySequence<byte> utf8)
    {
        if (utf8.Length > MaxLineBytes)
        {
            throw TooLong();
        }

        var json = new Utf8JsonReader(utf8);
        var line = JsonSerializer.Deserialize(ref json, ContractsJsonContext.Default.PresenceLine) ?? throw new JsonException("null");
        // Throws on anything but white space behind the object.
        _ = json.Read();
        return line.Card is { Length: > FailureReport.MaxCardLength } || line.Error is { Length: > MaxErrorLength } ? throw TooLong() : line;
    }

    private static CheckpointerException TooLong() =>
        new(ErrorCode.LimitExceeded, $"A line of a presence is at most {MaxLineBytes} bytes; see its contract for what is in it.");
}
