using System.Text.Json;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Journal;
using Checkpointer.Service.Runs.Events;

namespace Checkpointer.Service.Runs;

/// <summary>The journal's entries: events of one run, in order, as UTF-8 JSON.</summary>
internal static class RunEventCodec
{
    /// <summary>The type under which entries are journaled.</summary>
    public const ushort JournalType = 1;

    /// <summary>The version of their encoding.</summary>
    public const ushort JournalVersion = 1;

    /// <summary>
    /// A decision's events as one entry, or as several, to append in order, if they would be too long for one. No entry is
    /// longer than <see cref="JournalLimits.MaxPayloadBytes"/>: the limits of a request keep each event below it. Empty for no
    /// events.
    /// </summary>
    public static IReadOnlyList<byte[]> Encode(RunId run, IReadOnlyList<RunEvent> events)
    {
        if (events.Count == 0)
        {
            return [];
        }

        var entry = JsonSerializer.SerializeToUtf8Bytes(
            new RunEntry { Run = run, Events = events }, RunJsonContext.Default.RunEntry);
        if (entry.Length <= JournalLimits.MaxPayloadBytes)
        {
            return [entry];
        }

        Invariant.Holds(events.Count > 1);
        var half = events.Count / 2;
        return [.. Encode(run, [.. events.Take(half)]), .. Encode(run, [.. events.Skip(half)])];
    }

    /// <summary>
    /// The events of one entry. Throws <see cref="CheckpointerException"/> (<c>journal_corrupt</c>) on bytes
    /// that are not what <see cref="Encode"/> wrote, and on a kind of event or member that this program does not know.
    /// </summary>
    public static RunEntry Decode(ReadOnlySpan<byte> utf8)
    {
        try
        {
            return JsonSerializer.Deserialize(utf8, RunJsonContext.Default.RunEntry) ?? throw new JsonException("It is null.");
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or ArgumentException)
        {
            throw new CheckpointerException(
                ErrorCode.JournalCorrupt,
                $"A journal entry is not what this program writes: {e.Message} If a newer version wrote it, run that one.",
                inner: e);
        }
    }
}
