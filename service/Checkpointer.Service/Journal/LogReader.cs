using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Service.Journal;

/// <summary>
/// Reads a log's files as FasterLog 2.6.5 writes them, page by page, and checks everything. FasterLog's own iterator is
/// not used: it takes lengths from the file on trust and does not check the last page. Files are <c>log.0</c>,
/// <c>log.1</c>, … of one segment each; a page holds records of a length (i32) and as many bytes, at multiples of 4,
/// ended by a length of 0 or the page's end; the log's first 64 bytes are unused.
/// </summary>
internal sealed class LogReader(string folder, HighWaterMark mark)
{
    /// <summary>Where a log without truncation begins.</summary>
    public const long FirstAddress = 64;

    private const int RecordHeaderBytes = 4;

    private readonly int _pageBytes = 1 << mark.PageSizeBits;

    /// <summary>The largest frame that fits a page, the first one included.</summary>
    public static int MaxFrameBytes(HighWaterMark mark) =>
        (1 << mark.PageSizeBits) - (int)FirstAddress - RecordHeaderBytes;

    /// <summary>The file of segment <paramref name="number"/>.</summary>
    public static string SegmentPath(string folder, long number) => Path.Combine(folder, $"log.{number}");

    /// <summary>
    /// All entries from <paramref name="begin"/> to <paramref name="until"/> with their addresses; throws
    /// <see cref="JournalException"/> unless they are whole, consecutive, and end at exactly that address.
    /// </summary>
    public async IAsyncEnumerable<(JournalEntry Entry, long Address)> ReadAsync(
        long begin, long until, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var page = ArrayPool<byte>.Shared.Rent(_pageBytes);
        try
        {
            long next = 0;
            for (var address = begin; address < until;)
            {
                var pageStart = address & -_pageBytes;
                var pageEnd = Math.Min(pageStart + _pageBytes, until);
                await ReadPageAsync(pageStart, page.AsMemory(0, (int)(pageEnd - pageStart)), cancellationToken)
                    .ConfigureAwait(false);
                while (TryRecord(page.AsSpan(0, (int)(pageEnd - pageStart)), pageStart, address, out var frame))
                {
                    var entry = EntryFrame.TryDecode(page.AsSpan(frame), mark.Id)
                        ?? throw JournalException.Corrupt(folder, $"The entry at address {address} does not check.");
                    if (next != 0 && entry.Sequence != next)
                    {
                        throw JournalException.Lost(folder, $"Entry {next} is not there; {entry.Sequence} follows.");
                    }

                    next = entry.Sequence + 1;
                    yield return (entry, address);
                    address = pageStart + Align(frame.End.Value);
                }

                // A commit that meets an entry on its way to the next page ends at the page's end instead.
                if (pageEnd == until && address != until && until % _pageBytes != 0)
                {
                    throw JournalException.Corrupt(folder, $"Its last entry ends at {address}, not at {until}.");
                }

                address = pageEnd;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(page);
        }
    }

    private static int Align(int length) => (length + 3) & ~3;

    /// <summary>Finds the record at <paramref name="address"/>; false if the page holds no more.</summary>
    private bool TryRecord(ReadOnlySpan<byte> page, long pageStart, long address, out Range frame)
    {
        frame = default;
        var start = (int)(address - pageStart);
        if (page.Length - start < RecordHeaderBytes)
        {
            return false;
        }

        var length = BinaryPrimitives.ReadInt32LittleEndian(page[start..]);
        if (length == 0)
        {
            // Every page of the log begins with an entry, and only zeros follow its last.
            return start == 0 || address == FirstAddress || page[start..].ContainsAnyExcept((byte)0)
                ? throw JournalException.Corrupt(folder, $"The page of address {address} lacks an entry.")
                : false;
        }

        if (length < EntryFrame.HeaderBytes || length > page.Length - start - RecordHeaderBytes)
        {
            throw JournalException.Corrupt(folder, $"The entry at address {address} says it has {length} bytes.");
        }

        frame = (start + RecordHeaderBytes)..(start + RecordHeaderBytes + length);
        return true;
    }

    private async Task ReadPageAsync(long pageStart, Memory<byte> page, CancellationToken cancellationToken)
    {
        var segment = pageStart >> mark.SegmentSizeBits;
        var offset = pageStart & ((1L << mark.SegmentSizeBits) - 1);
        var path = SegmentPath(folder, segment);
        SafeFileHandle file;
        try
        {
            file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        }
        catch (FileNotFoundException e)
        {
            throw JournalException.Lost(folder, $"'{path}' is missing.", e);
        }

        using (file)
        {
            for (var done = 0; done < page.Length;)
            {
                var read = await RandomAccess.ReadAsync(file, page[done..], offset + done, cancellationToken)
                    .ConfigureAwait(false);
                if (read == 0)
                {
                    throw JournalException.Lost(folder, $"'{path}' ends at {offset + done}, before its last entry.");
                }

                done += read;
            }
        }
    }
}
