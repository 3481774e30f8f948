using Checkpointer.Formats.Errors;

namespace Checkpointer.Service.Journal;

/// <summary>
/// The journal cannot be trusted or cannot go on: <see cref="ErrorCode.JournalLost"/> if acknowledged entries are gone
/// or can no longer be written, <see cref="ErrorCode.JournalCorrupt"/> if bytes are not what was written. Never
/// transient: a person decides, or a restart replays.
/// </summary>
internal sealed class JournalException : CheckpointerException
{
    private JournalException(ErrorCode code, string message, Exception? inner)
        : base(code, message, isTransient: false, inner)
    {
    }

    /// <summary>Acknowledged entries are missing from <paramref name="folder"/>.</summary>
    public static JournalException Lost(string folder, string what, Exception? inner = null) =>
        new(ErrorCode.JournalLost, $"The journal in '{folder}' has lost entries: {what} {WhatToDo}", inner);

    /// <summary>Bytes in <paramref name="folder"/> are not what was written.</summary>
    public static JournalException Corrupt(string folder, string what, Exception? inner = null) =>
        new(ErrorCode.JournalCorrupt, $"The journal in '{folder}' is damaged: {what} {WhatToDo}", inner);

    /// <summary>A write failed: nothing more is acknowledged, and the process has to restart and replay.</summary>
    public static JournalException Failed(string folder, Exception inner) =>
        new(
            ErrorCode.JournalLost,
            $"The journal in '{folder}' could not be written ({inner.Message}); entries not yet acknowledged may be lost. "
            + "Mend the disk, then start the service again: it replays what was acknowledged.",
            inner);

    private const string WhatToDo =
        "The service does not start on it, because it would forget what it has acknowledged. Restore the data folder from its "
        + "newest backup; nothing in the object store is harmed. Do not go on with an empty folder: the service would not know "
        + "the runs in the store.";
}
