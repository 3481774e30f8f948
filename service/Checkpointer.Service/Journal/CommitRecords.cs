using System.Buffers.Binary;
using FASTER.core;

namespace Checkpointer.Service.Journal;

/// <summary>
/// Where FasterLog keeps what it knows of its last commit. FasterLog's own manager writes a file a commit, unchecked,
/// and reads a damaged one as "nothing committed yet"; this one keeps the last two in a <see cref="SlotFile"/>.
/// <para>A record is commit number, begin address, until address (i64 each), then FasterLog's own bytes.</para>
/// </summary>
internal sealed class CommitRecords : ILogCommitManager
{
    /// <summary>Magic of the file: "CPJC".</summary>
    public const uint Magic = 0x434A5043;

    private const int HeaderBytes = 24;

    private readonly string _path;
    private SlotFile? _slots;

    /// <summary>Reads the file at <paramref name="path"/> if there is one; otherwise the first commit makes it.</summary>
    public CommitRecords(string path)
    {
        _path = path;
        if (!File.Exists(path))
        {
            return;
        }

        Exists = true;
        _slots = SlotFile.Open(path, Magic);
        if (_slots.Newest is { Length: >= HeaderBytes } newest)
        {
            CommitNumber = BinaryPrimitives.ReadInt64LittleEndian(newest);
            BeginAddress = BinaryPrimitives.ReadInt64LittleEndian(newest.AsSpan(8));
            UntilAddress = BinaryPrimitives.ReadInt64LittleEndian(newest.AsSpan(16));
        }
    }

    /// <summary>Whether the file was there at opening.</summary>
    public bool Exists { get; }

    /// <summary>The newest whole record's commit number; 0 if there is no whole record.</summary>
    public long CommitNumber { get; private set; }

    /// <summary>Where the log began at that commit.</summary>
    public long BeginAddress { get; private set; }

    /// <summary>Up to where the log was durable at that commit.</summary>
    public long UntilAddress { get; private set; }

    public void Commit(
        long beginAddress, long untilAddress, byte[] commitMetadata, long commitNum, bool forceWriteMetadata)
    {
        var record = new byte[HeaderBytes + commitMetadata.Length];
        BinaryPrimitives.WriteInt64LittleEndian(record, commitNum);
        BinaryPrimitives.WriteInt64LittleEndian(record.AsSpan(8), beginAddress);
        BinaryPrimitives.WriteInt64LittleEndian(record.AsSpan(16), untilAddress);
        commitMetadata.CopyTo(record, HeaderBytes);
        if (_slots is null)
        {
            SlotFile.Create(_path, Magic, record);
            _slots = SlotFile.Open(_path, Magic);
        }
        else
        {
            _slots.Write(record);
        }

        CommitNumber = commitNum;
        BeginAddress = beginAddress;
        UntilAddress = untilAddress;
    }

    public byte[] GetCommitMetadata(long commitNum) =>
        commitNum == CommitNumber && _slots?.Newest is { } newest
            ? newest[HeaderBytes..]
            : throw new FasterException($"There is no record of commit {commitNum}.");

    public IEnumerable<long> ListCommits() => CommitNumber > 0 ? [CommitNumber] : [];

    public void RemoveCommit(long commitNum)
    {
        // Nothing to remove: the next record but one replaces it.
    }

    public void RemoveAllCommits() => throw new FasterException("Commit records are never removed.");

    public void OnRecovery(long commitNum)
    {
        // Nothing to do: older records are replaced in turn.
    }

    public void Dispose() => _slots?.Dispose();
}
