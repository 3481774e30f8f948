namespace Checkpointer.Service.Runs;

/// <summary>A journal snapshot's state: all runs, as UTF-8 JSON.</summary>
internal static class SavedRunCodec
{
    /// <summary>The version of the encoding.</summary>
    public const ushort SnapshotVersion = 1;

    /// <summary>The bytes of a snapshot of <paramref name="runs"/>.</summary>
    public static byte[] Encode(IReadOnlyList<SavedRun> runs) => throw new NotImplementedException();

    /// <summary>
    /// The runs of a snapshot. Throws <see cref="Formats.Errors.CheckpointerException"/> (<c>journal_corrupt</c>) on bytes
    /// that are not what <see cref="Encode"/> wrote.
    /// </summary>
    public static IReadOnlyList<SavedRun> Decode(ReadOnlySpan<byte> utf8) => throw new NotImplementedException();
}
