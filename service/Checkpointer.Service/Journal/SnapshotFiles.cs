using System.Buffers.Binary;
using System.Globalization;
using System.IO.Hashing;
using Checkpointer.Formats.Errors;
using Checkpointer.Storage.CrashPoints;

namespace Checkpointer.Service.Journal;

/// <summary>
/// Snapshots as files <c>snapshot.{sequence}</c>: magic (u32), state version (u16), zero (u16), journal id (u64),
/// sequence (i64), state length (i64), XxHash128 of those and the state (16 bytes), state.
/// </summary>
internal sealed class SnapshotFiles(string folder, ulong id)
{
    /// <summary>What every snapshot's name begins with.</summary>
    public const string Prefix = "snapshot.";

    private const int NameDigits = 19;
    private const uint Magic = 0x534A5043;
    private const int HashedHeaderBytes = 32;
    private const int HeaderBytes = 48;

    /// <summary>The snapshots that are there, whole or not, newest first.</summary>
    public IReadOnlyList<long> List() =>
    [
        .. Directory.EnumerateFiles(folder, Prefix + "*")
            .Select(path => Path.GetFileName(path)[Prefix.Length..])
            .Where(name => name.Length == NameDigits)
            .Select(name => long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var sequence) ? sequence : -1)
            .Where(sequence => sequence >= 0)
            .OrderDescending(),
    ];

    /// <summary>The snapshot after entry <paramref name="sequence"/>; null if it is missing or not what was written.</summary>
    public async Task<JournalSnapshot?> TryReadAsync(long sequence, CancellationToken cancellationToken)
    {
        var path = PathOf(sequence);
        if (!File.Exists(path) || new FileInfo(path).Length is < HeaderBytes or > HeaderBytes + (long)JournalLimits.MaxSnapshotBytes)
        {
            return null;
        }

        var bytes = await File.ReadAllBytesAsync(path, cancellationToken).ConfigureAwait(false);
        var header = bytes.AsMemory(0, HashedHeaderBytes);
        var state = bytes.AsMemory(HeaderBytes);
        return BinaryPrimitives.ReadUInt32LittleEndian(bytes) == Magic
            && BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(8)) == id
            && BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(16)) == sequence
            && BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(24)) == state.Length
            && Hash(header.Span, state.Span).AsSpan().SequenceEqual(bytes.AsSpan(HashedHeaderBytes, 16))
            ? new JournalSnapshot(sequence, BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(4)), state)
            : null;
    }

    /// <summary>Writes a snapshot durably.</summary>
    public void Write(JournalSnapshot snapshot)
    {
        if (snapshot.State.Length > JournalLimits.MaxSnapshotBytes)
        {
            throw new CheckpointerException(
                ErrorCode.LimitExceeded,
                $"A snapshot of {snapshot.State.Length} bytes; at most {JournalLimits.MaxSnapshotBytes} are kept.");
        }

        var header = new byte[HeaderBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(header, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(4), snapshot.Version);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(8), id);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(16), snapshot.Sequence);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(24), snapshot.State.Length);
        Hash(header.AsSpan(0, HashedHeaderBytes), snapshot.State.Span).CopyTo(header, HashedHeaderBytes);
        DurableFile.Write(PathOf(snapshot.Sequence), header, snapshot.State);
    }

    /// <summary>Deletes every snapshot that is not in <paramref name="kept"/>.</summary>
    public void DeleteAllBut(IReadOnlyCollection<long> kept)
    {
        foreach (var sequence in List().Except(kept))
        {
            File.Delete(PathOf(sequence));
            CrashPoint.Reach(CrashPointNames.JournalSnapshotDeleted);
        }
    }

    private static byte[] Hash(ReadOnlySpan<byte> header, ReadOnlySpan<byte> state)
    {
        var hash = new XxHash128();
        hash.Append(header);
        hash.Append(state);
        return hash.GetCurrentHash();
    }

    private string PathOf(long sequence) =>
        Path.Combine(folder, Prefix + sequence.ToString("D19", CultureInfo.InvariantCulture));
}
