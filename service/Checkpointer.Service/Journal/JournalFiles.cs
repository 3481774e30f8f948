using System.Buffers.Binary;
using System.Security.Cryptography;
using Checkpointer.Formats.Errors;
using Checkpointer.Storage.CrashPoints;

namespace Checkpointer.Service.Journal;

/// <summary>
/// The journal's files, opened and checked before FasterLog sees them. Whatever was acknowledged is there, whole and
/// consecutive, or <see cref="OpenAsync"/> throws.
/// </summary>
internal sealed record JournalFiles : IDisposable
{
    private const string LockName = "lock";
    private const string MarkName = "mark";
    private const string CommitName = "commit";
    private const int MinPageSizeBits = 12;
    private const int MaxPageSizeBits = 26;
    private const int MaxSegmentSizeBits = 30;

    public required string Folder { get; init; }

    /// <summary>Held while the journal is open, so that no second process writes.</summary>
    public required FileStream Lock { get; init; }

    public required SlotFile MarkFile { get; init; }

    public required CommitRecords Commits { get; init; }

    public required LogReader Reader { get; init; }

    public required LogSegments Segments { get; init; }

    /// <summary>The mark, raised to what was found: all of that may be read, so none of it may be lost from now on.</summary>
    public required HighWaterMark Mark { get; init; }

    public static async Task<JournalFiles> OpenAsync(
        FasterLogJournalOptions options, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateDirectory(options.Folder).FullName;
        var opened = new Stack<IDisposable>();
        try
        {
            var lockFile = TakeLock(folder);
            opened.Push(lockFile);
            foreach (var unfinished in Directory.EnumerateFiles(folder, "*" + DurableFile.UnfinishedSuffix))
            {
                File.Delete(unfinished);
                CrashPoint.Reach(CrashPointNames.DataFileUnfinishedDeleted);
            }

            var (markFile, mark) = OpenMark(folder, options);
            opened.Push(markFile);
            var commits = OpenCommits(folder, mark);
            opened.Push(commits);
            var reader = new LogReader(folder, mark);
            var segments = new LogSegments(
                mark.SegmentSizeBits, commits.CommitNumber > 0 ? commits.BeginAddress : LogReader.FirstAddress);
            var found = await CheckLogAsync(folder, reader, segments, commits, mark, cancellationToken)
                .ConfigureAwait(false);
            if (found != mark)
            {
                markFile.Write(found.Encode());
                CrashPoint.Reach(CrashPointNames.JournalMarkRaised);
            }

            return new JournalFiles
            {
                Folder = folder,
                Lock = lockFile,
                MarkFile = markFile,
                Commits = commits,
                Reader = reader,
                Segments = segments,
                Mark = found,
            };
        }
        catch
        {
            foreach (var file in opened)
            {
                file.Dispose();
            }

            throw;
        }
    }

    public void Dispose()
    {
        Commits.Dispose();
        MarkFile.Dispose();
        Lock.Dispose();
    }

    private static FileStream TakeLock(string folder)
    {
        try
        {
            return new FileStream(
                Path.Combine(folder, LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (e is not (DirectoryNotFoundException or FileNotFoundException or PathTooLongException))
        {
            throw new CheckpointerException(
                ErrorCode.ServiceUnavailable,
                $"The journal in '{folder}' is open in another process. Stop that one first, or use another data folder.",
                isTransient: true,
                e);
        }
    }

    private static (SlotFile File, HighWaterMark Mark) OpenMark(string folder, FasterLogJournalOptions options)
    {
        var path = Path.Combine(folder, MarkName);
        if (!File.Exists(path))
        {
            CreateMark(folder, path, options);
        }

        var file = SlotFile.Open(path, HighWaterMark.Magic);
        if (file.Newest is { } newest && HighWaterMark.TryDecode(newest) is { } mark)
        {
            return (file, mark);
        }

        file.Dispose();
        throw JournalException.Corrupt(folder, $"'{path}' does not check.");
    }

    private static void CreateMark(string folder, string path, FasterLogJournalOptions options)
    {
        if (Directory.EnumerateFileSystemEntries(folder).Any(entry => Path.GetFileName(entry) != LockName))
        {
            throw JournalException.Lost(folder, $"'{path}' is missing although other files are there.");
        }

        if (options.PageSizeBits is < MinPageSizeBits or > MaxPageSizeBits
            || options.SegmentSizeBits < options.PageSizeBits
            || options.SegmentSizeBits > MaxSegmentSizeBits)
        {
            throw new CheckpointerException(
                ErrorCode.ConfigurationInvalid,
                $"The journal's page size has to be 2^{MinPageSizeBits} to 2^{MaxPageSizeBits} bytes and its file size at "
                + $"least that and at most 2^{MaxSegmentSizeBits}; they are 2^{options.PageSizeBits} and 2^{options.SegmentSizeBits}.");
        }

        var mark = new HighWaterMark
        {
            Id = BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(sizeof(ulong))),
            PageSizeBits = options.PageSizeBits,
            SegmentSizeBits = options.SegmentSizeBits,
            Sequence = 0,
            Address = LogReader.FirstAddress,
        };
        SlotFile.Create(path, HighWaterMark.Magic, mark.Encode());
    }

    private static CommitRecords OpenCommits(string folder, HighWaterMark mark)
    {
        var path = Path.Combine(folder, CommitName);
        var commits = new CommitRecords(path);
        if (mark.Sequence == 0 || commits.UntilAddress >= mark.Address)
        {
            return commits;
        }

        commits.Dispose();
        throw !commits.Exists
            ? JournalException.Lost(folder, $"'{path}' is missing.")
            : commits.CommitNumber == 0
                ? JournalException.Corrupt(folder, $"'{path}' does not check.")
                : JournalException.Lost(
                    folder, $"The last commit ends at {commits.UntilAddress}, but {mark.Address} was acknowledged.");
    }

    /// <summary>Reads the whole log; gives the mark raised to its last entry.</summary>
    private static async Task<HighWaterMark> CheckLogAsync(
        string folder,
        LogReader reader,
        LogSegments segments,
        CommitRecords commits,
        HighWaterMark mark,
        CancellationToken cancellationToken)
    {
        long last = 0;
        await foreach (var (entry, address) in reader
            .ReadAsync(segments.BeginAddress, commits.UntilAddress, cancellationToken).ConfigureAwait(false))
        {
            segments.Add(address, entry.Sequence);
            last = entry.Sequence;
        }

        if (last < mark.Sequence)
        {
            throw JournalException.Lost(folder, $"It ends with entry {last}, but {mark.Sequence} was acknowledged.");
        }

        return mark with { Sequence = last, Address = Math.Max(commits.UntilAddress, LogReader.FirstAddress) };
    }
}
