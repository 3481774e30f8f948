using Checkpointer.Formats.Identity;
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
    /// longer than <see cref="Journal.JournalLimits.MaxPayloadBytes"/>.
    /// </summary>
    public static IReadOnlyList<byte[]> Encode(RunId run, IReadOnlyList<RunEvent> events) => throw new NotImplementedException();

    /// <summary>
    /// The events of one entry. Throws <see cref="Formats.Errors.CheckpointerException"/> (<c>journal_corrupt</c>) on bytes
    /// that are not what <see cref="Encode"/> wrote, and on a kind of event or member that this program does not know.
    /// </summary>
    public static RunEntry Decode(ReadOnlySpan<byte> utf8) => throw new NotImplementedException();
}
