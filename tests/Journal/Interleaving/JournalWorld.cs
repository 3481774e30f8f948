using Checkpointer.Journal.Tests.FasterLog;
using Checkpointer.Service.Journal;
using Checkpointer.Storage.CrashPoints;
using Checkpointer.TestKit;
using Checkpointer.TestKit.Interleaving;

namespace Checkpointer.Journal.Tests.Interleaving;

/// <summary>
/// The real journal, its commit loop held at a gate, and what it has acknowledged. A crash is tried by opening a copy of its
/// folder as it is at that moment: that is what the next process finds after a kill.
/// </summary>
internal sealed class JournalWorld : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly Schedule _schedule;
    private readonly TemporaryFolder _folder = new("/dev/shm");
    private readonly LoopGate _gate;

    // Null while it is being opened, in which there are crash points too.
    private readonly FasterLogJournal? _opened;
    private readonly List<(long Sequence, Task Done)> _waiting = [];
    private bool _signalled;
    private bool _isCommitting;
    private long _committing;
    private long _marked;
    private long _acknowledged;
    private long _saved;

    public JournalWorld(Schedule schedule)
    {
        _schedule = schedule;
        _gate = new LoopGate(Passed);
        CrashPoint.Watch(_gate.Reach);
        _opened = JournalChildren.OpenAsync(_folder.File("journal"), CancellationToken.None).GetAwaiter().GetResult();
    }

    public int Crashes { get; private set; }

    private FasterLogJournal Journal => _opened!;

    public bool IsCommitting => _isCommitting;

    public bool CanSave => _acknowledged > _saved;

    public void Append()
    {
        var sequence = Journal.AppendNext();
        _waiting.Add((sequence, Journal.WaitUntilDurableAsync(sequence, CancellationToken.None)));
        Signal();
    }

    /// <summary>Saves what is acknowledged; all of it happens here and now.</summary>
    public void Save()
    {
        _saved = _acknowledged;
        var saving = Journal.SaveSnapshotAsync(Samples.Snapshot(_saved), CancellationToken.None);
        Assert.True(saving.IsCompletedSuccessfully, saving.Exception?.ToString() ?? "It waits, though all is durable.");
        Journal.TruncateBefore(_saved);
        Signal();
    }

    /// <summary>Lets the commit loop take its next step.</summary>
    public void Step()
    {
        var isLast = _gate.At == CrashPointNames.JournalMarked || _committing == _marked;
        _gate.Go();
        if (isLast)
        {
            Finish();
        }

        if (!isLast || _isCommitting)
        {
            _gate.AwaitArrival();
        }
    }

    /// <summary>After each step: nobody was told of what the mark does not cover.</summary>
    public void Check() => Assert.All(
        _waiting.Where(waiter => waiter.Sequence > _marked), waiter => Assert.False(waiter.Done.IsCompleted, $"{waiter.Sequence} is acknowledged, {_marked} marked."));

    /// <summary>What a process finds that is started now.</summary>
    public void Crash()
    {
        Crashes++;
        using var copy = new TemporaryFolder("/dev/shm");
        foreach (var file in Directory.GetFiles(_folder.File("journal")).Where(file => Path.GetFileName(file) != "lock"))
        {
            try
            {
                File.Copy(file, copy.File(Path.GetFileName(file)));
            }
            catch (FileNotFoundException)
            {
                // A file of the log that a commit has let go of, which FasterLog deletes when it comes to it.
            }
        }

        var context = ExecutionContext.SuppressFlow();
        var last = Task.Run(async () =>
        {
            await using var next = await JournalChildren.OpenAsync(copy.Path, CancellationToken.None);
            return await Samples.CheckAsync(next, CancellationToken.None);
        });
        context.Undo();
        Assert.InRange(last.GetAwaiter().GetResult(), _acknowledged, _opened?.LastSequence ?? 0);
    }

    public void Dispose()
    {
        _gate.Open();
        CrashPoint.Watch(null);
        Journal.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _gate.Dispose();
        _folder.Dispose();
    }

    private void Passed(string name)
    {
        if (_schedule.OneIn(12))
        {
            _schedule.Note($"crash at {name}");
            Crash();
        }
    }

    private void Signal()
    {
        _signalled = true;
        if (!_isCommitting)
        {
            Begin();
            _gate.AwaitArrival();
        }
    }

    private void Begin() => (_signalled, _isCommitting, _committing) = (false, true, Journal.LastSequence);

    /// <summary>A commit is over: whoever waited for what it covers is told, and the next begins if anything came meanwhile.</summary>
    private void Finish()
    {
        _marked = _committing;
        foreach (var (sequence, done) in _waiting.FindAll(waiter => waiter.Sequence <= _marked))
        {
            Assert.True(done.Wait(Patience), $"{sequence} is durable and nobody is told.");
        }

        _waiting.RemoveAll(waiter => waiter.Sequence <= _marked);
        _acknowledged = _marked;
        _isCommitting = false;
        if (_signalled)
        {
            Begin();
        }
    }
}
