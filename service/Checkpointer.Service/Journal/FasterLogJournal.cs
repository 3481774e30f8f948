using System.Buffers;
using System.Threading.Channels;
using Checkpointer.Formats.Errors;
using Checkpointer.Storage.CrashPoints;
using FASTER.core;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Service.Journal;

/// <summary>
/// The journal on FasterLog, which is trusted to write and nothing more: entries carry a sequence and a hash of their
/// own, commits are kept twice, and a high-water mark, synced after each commit and before anyone is told, says what has
/// to be there at the next start. Opening reads and checks the whole log and refuses with a
/// <see cref="JournalException"/> if anything that was acknowledged is missing or changed.
/// <para>The folder: <c>lock</c> (held while open), <c>mark</c>, <c>commit</c>, <c>log.N</c>, <c>snapshot.N</c>.</para>
/// </summary>
internal sealed partial class FasterLogJournal : IJournal
{
    private const string LogName = "log";
    private const int MemoryPages = 4;

    private readonly string _folder;
    private readonly ILogger _logger;
    private readonly FileStream _lock;
    private readonly SlotFile _markFile;
    private readonly CommitRecords _commits;
    private readonly IDevice _device;
    private readonly FasterLog _log;
    private readonly LogReader _reader;
    private readonly SnapshotFiles _snapshots;
    private readonly LogSegments _segments;
    private readonly int _maxPayloadBytes;

    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _saving = new(1, 1);
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // One pending signal stands for any number of appends: what wakes the loop is "something is new".
    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private readonly Task _committing;

    // Guarded by _gate.
    private HighWaterMark _mark;
    private long _lastSequence;
    private bool _appended;
    private JournalException? _failure;
    private TaskCompletionSource _advanced = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _truncateBefore;

    // Guarded by _saving after opening: the whole snapshots, newest first.
    private List<long> _kept = [];

    private FasterLogJournal(JournalFiles files, ILogger logger)
    {
        _logger = logger;
        _folder = files.Folder;
        _lock = files.Lock;
        _markFile = files.MarkFile;
        _commits = files.Commits;
        _reader = files.Reader;
        _segments = files.Segments;
        _mark = files.Mark;
        _lastSequence = files.Mark.Sequence;
        _snapshots = new SnapshotFiles(_folder, _mark.Id);
        _maxPayloadBytes = Math.Min(JournalLimits.MaxPayloadBytes, LogReader.MaxFrameBytes(_mark) - EntryFrame.HeaderBytes);
        (_device, _log) = OpenLog();
        _committing = CommitLoopAsync();
    }

    public long LastSequence
    {
        get
        {
            lock (_gate)
            {
                return _lastSequence;
            }
        }
    }

    public Task Completion => _completion.Task;

    /// <summary>Opens the journal, making it if the folder is empty or missing.</summary>
    /// <exception cref="JournalException">Something that was acknowledged is missing or changed.</exception>
    /// <exception cref="CheckpointerException">Another process has it open, or the options make no sense.</exception>
    public static async Task<FasterLogJournal> OpenAsync(
        FasterLogJournalOptions options, ILogger logger, CancellationToken cancellationToken)
    {
        var files = await JournalFiles.OpenAsync(options, cancellationToken).ConfigureAwait(false);
        try
        {
            var journal = new FasterLogJournal(files, logger);
            journal.LogOpened(journal._folder, journal._segments.FirstSequence, journal._lastSequence);
            return journal;
        }
        catch
        {
            files.Dispose();
            throw;
        }
    }

    public async Task<JournalSnapshot?> ReadSnapshotAsync(CancellationToken cancellationToken)
    {
        JournalSnapshot? newest = null;
        var whole = new List<long>();
        foreach (var sequence in _snapshots.List())
        {
            var snapshot = await _snapshots.TryReadAsync(sequence, cancellationToken).ConfigureAwait(false);
            if (snapshot is null || sequence > _mark.Sequence)
            {
                LogSnapshotDamaged(_folder, sequence);
                continue;
            }

            newest ??= snapshot;
            whole.Add(sequence);
        }

        await _saving.WaitAsync(cancellationToken).ConfigureAwait(false);
        _kept = whole;
        _ = _saving.Release();
        EnsureReaches(newest?.Sequence ?? 0);
        return newest;
    }

    public async IAsyncEnumerable<JournalEntry> ReplayAsync(
        long after, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_appended)
            {
                throw new InvalidOperationException("A replay has to be over before the first append.");
            }
        }

        EnsureReaches(after);
        await foreach (var (entry, _) in _reader
            .ReadAsync(_segments.BeginAddress, _mark.Address, cancellationToken).ConfigureAwait(false))
        {
            if (entry.Sequence > after)
            {
                yield return entry;
            }
        }
    }

    public JournalPosition Append(ushort type, ushort version, ReadOnlySpan<byte> payload)
    {
        if (payload.Length > _maxPayloadBytes)
        {
            throw new CheckpointerException(
                ErrorCode.LimitExceeded,
                $"A journal entry of {payload.Length} bytes; at most {_maxPayloadBytes} fit.");
        }

        var length = EntryFrame.HeaderBytes + payload.Length;
        var frame = ArrayPool<byte>.Shared.Rent(length);
        long sequence;
        try
        {
            lock (_gate)
            {
                ThrowIfFailed();
                _appended = true;
                sequence = _lastSequence + 1;
                EntryFrame.Encode(frame.AsSpan(0, length), _mark.Id, sequence, type, version, payload);
                _segments.Add(Enqueue(frame.AsSpan(0, length)), sequence);
                _lastSequence = sequence;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(frame);
        }

        CrashPoint.Reach(CrashPointNames.JournalAppended);
        _ = _signal.Writer.TryWrite(true);
        return new JournalPosition(sequence);
    }

    public async Task WaitUntilDurableAsync(long sequence, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task advanced;
            lock (_gate)
            {
                ArgumentOutOfRangeException.ThrowIfGreaterThan(sequence, _lastSequence);
                if (sequence <= _mark.Sequence)
                {
                    return;
                }

                ThrowIfFailed();
                advanced = _advanced.Task;
            }

            await advanced.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public async Task SaveSnapshotAsync(JournalSnapshot snapshot, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        await WaitUntilDurableAsync(snapshot.Sequence, cancellationToken).ConfigureAwait(false);
        await _saving.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(snapshot.Sequence, _kept.Count > 0 ? _kept[0] : -1);
            _snapshots.Write(snapshot);
            CrashPoint.Reach(CrashPointNames.JournalSnapshotSaved);
            _kept = [snapshot.Sequence, .. _kept.Take(JournalLimits.KeptSnapshots - 1)];
            _snapshots.DeleteAllBut(_kept);
        }
        catch (IOException e)
        {
            throw Fail(e);
        }
        finally
        {
            _ = _saving.Release();
        }
    }

    public void TruncateBefore(long sequence)
    {
        lock (_gate)
        {
            ThrowIfFailed();
            var kept = Volatile.Read(ref _kept);
            var oldestKept = kept.Count >= JournalLimits.KeptSnapshots ? kept[^1] : 0;
            _truncateBefore = Math.Max(_truncateBefore, Math.Min(Math.Min(sequence, oldestKept + 1), _mark.Sequence));
        }

        _ = _signal.Writer.TryWrite(true);
    }

    public async ValueTask DisposeAsync()
    {
        if (_signal.Writer.TryComplete())
        {
            await _committing.ConfigureAwait(false);
            _log.Dispose();
            _device.Dispose();
            _commits.Dispose();
            _markFile.Dispose();
            await _lock.DisposeAsync().ConfigureAwait(false);
            _saving.Dispose();
            _ = _completion.TrySetResult();
        }
    }

    private long Enqueue(ReadOnlySpan<byte> frame)
    {
        try
        {
            return _log.Enqueue(frame);
        }
        catch (Exception e) when (e is FasterException or IOException)
        {
            throw Fail(e);
        }
    }

    /// <summary>The one place that commits. It ends when the journal is disposed (after a last commit) or has failed.</summary>
    private async Task CommitLoopAsync()
    {
        try
        {
            while (await _signal.Reader.WaitToReadAsync().ConfigureAwait(false))
            {
                _ = _signal.Reader.TryRead(out _);
                await CommitAsync().ConfigureAwait(false);
            }

            await CommitAsync().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // Whatever it is, nothing can be promised any more: every waiter is told, and the host stops.
            _ = Fail(e);
        }
    }

    private async Task CommitAsync()
    {
        HighWaterMark next;
        lock (_gate)
        {
            ThrowIfFailed();
            if (_segments.TryTruncate(_truncateBefore, out var begin))
            {
                _log.TruncateUntil(begin);
                CrashPoint.Reach(CrashPointNames.JournalTruncated);
            }

            next = _mark with { Sequence = _lastSequence, Address = _log.TailAddress };
        }

        await _log.CommitAsync().ConfigureAwait(false);
        Invariant.Holds(_log.CommittedUntilAddress >= next.Address);
        CrashPoint.Reach(CrashPointNames.JournalCommitted);
        if (next == _mark)
        {
            return;
        }

        _markFile.Write(next.Encode());
        CrashPoint.Reach(CrashPointNames.JournalMarked);
        TaskCompletionSource advanced;
        lock (_gate)
        {
            _mark = next;
            advanced = _advanced;
            _advanced = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        advanced.SetResult();
    }

    private JournalException Fail(Exception cause)
    {
        lock (_gate)
        {
            if (_failure is null)
            {
                _failure = cause as JournalException ?? JournalException.Failed(_folder, cause);
                LogFailed(_failure, _folder);
                _ = _advanced.TrySetException(_failure);
                _ = _completion.TrySetException(_failure);
            }

            return _failure;
        }
    }

    private void ThrowIfFailed()
    {
        ObjectDisposedException.ThrowIf(_committing.IsCompletedSuccessfully && _failure is null, this);
        if (_failure is not null)
        {
            throw _failure;
        }
    }

    private void EnsureReaches(long after)
    {
        if (_segments.FirstSequence > after + 1)
        {
            throw JournalException.Lost(
                _folder,
                $"The log begins with entry {_segments.FirstSequence}, and no whole snapshot covers what came before.");
        }
    }

    private (IDevice Device, FasterLog Log) OpenLog()
    {
        var device = Devices.CreateLogDevice(Path.Combine(_folder, LogName), recoverDevice: true);
        try
        {
            var log = new FasterLog(new FasterLogSettings
            {
                LogDevice = device,
                LogCommitManager = _commits,
                PageSizeBits = _mark.PageSizeBits,
                MemorySizeBits = _mark.PageSizeBits + int.Log2(MemoryPages),
                SegmentSizeBits = _mark.SegmentSizeBits,
                FastCommitMode = false,
                RemoveOutdatedCommits = false,
                AutoCommit = false,
            });
            Invariant.Holds(log.TailAddress == _mark.Address && log.BeginAddress == _segments.BeginAddress);
            return (device, log);
        }
        catch
        {
            device.Dispose();
            throw;
        }
    }
}
