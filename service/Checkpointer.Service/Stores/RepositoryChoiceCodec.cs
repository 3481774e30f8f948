using System.Text.Json;
using Checkpointer.Formats.Errors;
using Checkpointer.Service.Runs;

namespace Checkpointer.Service.Stores;

/// <summary>The journal's entries that name the repository, as UTF-8 JSON.</summary>
internal static class RepositoryChoiceCodec
{
    /// <summary>The type under which they are journaled.</summary>
    public const ushort JournalType = 2;

    /// <summary>The version of their encoding.</summary>
    public const ushort JournalVersion = 1;

    /// <summary>The bytes of <paramref name="choice"/>.</summary>
    public static byte[] Encode(RepositoryChoice choice) =>
        JsonSerializer.SerializeToUtf8Bytes(choice, RunJsonContext.Default.RepositoryChoice);

    /// <summary>
    /// Reads what <see cref="Encode"/> wrote; anything else is <see cref="CheckpointerException"/> (<c>journal_corrupt</c>).
    /// </summary>
    public static RepositoryChoice Decode(ReadOnlySpan<byte> utf8)
    {
        try
        {
            return JsonSerializer.Deserialize(utf8, RunJsonContext.Default.RepositoryChoice) ?? throw new JsonException("It is null.");
        }
        catch (JsonException e)
        {
            throw new CheckpointerException(
                ErrorCode.JournalCorrupt,
                $"A journal entry is not what this program writes: {e.Message} If a newer version wrote it, run that one.",
                inner: e);
        }
    }
}
