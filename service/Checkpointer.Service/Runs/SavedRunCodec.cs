using System.Text.Json;
using Checkpointer.Formats.Errors;

namespace Checkpointer.Service.Runs;

/// <summary>A journal snapshot's state: all runs, as UTF-8 JSON.</summary>
internal static class SavedRunCodec
{
    /// <summary>The version of the encoding.</summary>
    public const ushort SnapshotVersion = 1;

    /// <summary>The bytes of a snapshot of <paramref name="runs"/>.</summary>
    public static byte[] Encode(IReadOnlyList<SavedRun> runs) =>
        JsonSerializer.SerializeToUtf8Bytes(new SavedService { Runs = runs }, RunJsonContext.Default.SavedService);

    /// <summary>
    /// The runs of a snapshot. Throws <see cref="CheckpointerException"/> (<c>journal_corrupt</c>) on bytes
    /// that are not what <see cref="Encode"/> wrote.
    /// </summary>
    public static IReadOnlyList<SavedRun> Decode(ReadOnlySpan<byte> utf8)
    {
        try
        {
            return JsonSerializer.Deserialize(utf8, RunJsonContext.Default.SavedService)?.Runs
                ?? throw new JsonException("It is null.");
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or ArgumentException)
        {
            throw new CheckpointerException(
                ErrorCode.JournalCorrupt, $"A journal snapshot is not what this program writes: {e.Message}", inner: e);
        }
    }
}
