using System.Text.Json;
using Checkpointer.Formats.Errors;
using Checkpointer.Service.Stores;

namespace Checkpointer.Service.Runs;

/// <summary>A journal snapshot's state: all runs and the repository, as UTF-8 JSON.</summary>
internal static class SavedRunCodec
{
    /// <summary>The version of the encoding.</summary>
    public const ushort SnapshotVersion = 1;

    /// <summary>The bytes of a snapshot.</summary>
    public static byte[] Encode(IReadOnlyList<SavedRun> runs, RepositoryChoice? repository) =>
        JsonSerializer.SerializeToUtf8Bytes(new SavedService { Runs = runs, Repository = repository }, RunJsonContext.Default.SavedService);

    /// <summary>
    /// What a snapshot holds. Throws <see cref="CheckpointerException"/> (<c>journal_corrupt</c>) on bytes
    /// that are not what <see cref="Encode"/> wrote.
    /// </summary>
    public static SavedService Decode(ReadOnlySpan<byte> utf8)
    {
        try
        {
            return JsonSerializer.Deserialize(utf8, RunJsonContext.Default.SavedService)
                ?? throw new JsonException("It is null.");
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or ArgumentException)
        {
            throw new CheckpointerException(
                ErrorCode.JournalCorrupt, $"A journal snapshot is not what this program writes: {e.Message}", inner: e);
        }
    }
}
