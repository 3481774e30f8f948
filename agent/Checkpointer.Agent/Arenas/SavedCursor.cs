using System.Text;
using System.Text.Json;

namespace Checkpointer.Agent.Arenas;

/// <summary>What a trainer saved beside an image as its place in the data.</summary>
internal static class SavedCursor
{
    /// <summary>Longest that is reported, in bytes of UTF-8: no longer one can be in the ledger.</summary>
    public const int MaxBytes = 4096;

    private const string Member = "data_cursor";

    /// <summary>The member <c>data_cursor</c> of <paramref name="extraUtf8"/>, a JSON object; null without one.</summary>
    public static JsonElement? Find(ReadOnlyMemory<byte> extraUtf8)
    {
        // Most extra values have none, and are not parsed.
        if (extraUtf8.Span.IndexOf("\"data_cursor\""u8) < 0)
        {
            return null;
        }

        using var document = JsonDocument.Parse(extraUtf8);
        return document.RootElement.TryGetProperty(Member, out var cursor)
            && cursor.ValueKind != JsonValueKind.Null
            && Encoding.UTF8.GetByteCount(cursor.GetRawText()) <= MaxBytes
            ? cursor.Clone()
            : null;
    }
}
