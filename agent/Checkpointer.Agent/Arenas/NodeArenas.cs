using System.Collections.Concurrent;
using Checkpointer.Agent.Admission;
using Checkpointer.Agent.Draining;
using Checkpointer.Agent.Sealing;
using Checkpointer.Contracts.Agents;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Storage.CrashPoints;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Agent.Arenas;

/// <summary>All slots of the node. Thread-safe.</summary>
internal sealed partial class NodeArenas : IDisposable
{
    private readonly MemoryBudget _budget;
    private readonly DrainQueue _drains;
    private readonly ILogger _logger;
    private readonly PoolContext _context;
    private readonly string _folder;
    private readonly ConcurrentDictionary<RunId, RunFolder> _folders = new();
    private readonly ConcurrentDictionary<(RunId Run, Rank Rank), SlotPool> _pools = new();
    private readonly ConcurrentDictionary<RunId, RunProgress> _progress = new();
    private ArenaLock? _lock;

    public NodeArenas(
        ArenaOptions options,
        MemoryBudget budget,
        Prefaulter prefaulter,
        EngineThreads threads,
        SealQueue seals,
        DrainQueue drains,
        ISnapshotReporter reporter,
        IRunProgressSource progressSource,
        TimeProvider time,
        ILogger<NodeArenas> logger)
    {
        options.Validate();
        (_budget, _drains, _logger) = (budget, drains, logger);
        _folder = Path.Combine(options.Root, options.Node);
        _context = new PoolContext
        {
            Options = options,
            Budget = budget,
            Prefaulter = prefaulter,
            Threads = threads,
            Seals = seals,
            Drains = drains,
            Reporter = reporter,
            ProgressSource = progressSource,
            Time = time,
            Logger = logger,
            Observe = Observe,
            MakeRoom = MakeRoom,
            MakeRoomForRank = MakeRoomForRank,
            Held = () => News?.Invoke(),
        };
    }

    /// <summary>Runs that have slots here.</summary>
    public IReadOnlyList<RunId> Runs => [.. _pools.Keys.Select(key => key.Run).Distinct()];

    /// <summary>Every sealed image that can be offered to others.</summary>
    public IReadOnlyList<Holding> Holdings => [.. _pools.Values.SelectMany(pool => pool.Holdings)];

    /// <summary>Called when there is a new image, or news of a run. Must only take note.</summary>
    public Action? News { get; set; }

    /// <summary>Every pool.</summary>
    public IReadOnlyList<SlotPool> Pools => [.. _pools.Values];

    /// <summary>Drains that wait or run.</summary>
    public int PendingDrains => _drains.PendingCount;

    /// <summary>
    /// Re-adopts what an earlier process left in the arena folder. Call once, before anything else and before the API
    /// listens. Sealed images are held again at once, captured ones are hashed, drains go on; each is reported anew.
    /// Another living agent on that folder is <see cref="ErrorCode.ConfigurationInvalid"/>.
    /// </summary>
    public Task AdoptAsync(CancellationToken cancellationToken) => Task.Run(
        async () =>
        {
            Directory.CreateDirectory(_folder);
            _lock = await ArenaLock.TakeAsync(_folder, _context.Time, cancellationToken);
            foreach (var path in Directory.GetDirectories(_folder))
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (RunId.TryParse(Path.GetFileName(path), null, out var run) && new DirectoryInfo(path).LinkTarget is null)
                {
                    AdoptRun(run, path);
                }
            }

            foreach (var pool in _pools.Values)
            {
                pool.ResumeAdopted();
            }

            foreach (var folder in _folders.Values)
            {
                folder.Layouts.Sweep();
            }
        },
        cancellationToken);

    /// <summary>The pool of that rank, made empty if there is none.</summary>
    public SlotPool GetOrAdd(RunId run, Rank rank)
    {
        if (_pools.TryGetValue((run, rank), out var known))
        {
            return known;
        }

        var pool = _pools.GetOrAdd((run, rank), key => new SlotPool(_context, FolderOf(key.Run), key.Rank));
        if (_progress.TryGetValue(run, out var progress))
        {
            pool.Observe(progress);
        }

        return pool;
    }

    /// <summary>The pool of that rank, or null.</summary>
    public SlotPool? Find(RunId run, Rank rank) => _pools.GetValueOrDefault((run, rank));

    /// <summary>A right to read that sealed image; null if it is not held.</summary>
    public SlotLease? TryLease(RunId run, Rank rank, CheckpointId checkpoint) => Find(run, rank)?.TryLease(checkpoint);

    /// <summary>
    /// Takes in what the service says of a run (from heartbeats, from joins as they are granted, from progress calls):
    /// frees slots, ends drains that were given up, fences out older attempts. Older news than what is known changes
    /// nothing.
    /// </summary>
    public void Observe(RunProgress progress)
    {
        // For pools to come; each pool judges for itself whether news is news.
        _progress.AddOrUpdate(
            progress.Run, progress, (_, known) => SlotPool.IsOutdated(progress, known) ? known : SlotPool.Merge(known, progress));
        foreach (var ((run, _), pool) in _pools)
        {
            if (run == progress.Run)
            {
                pool.Observe(progress);
            }
        }

        News?.Invoke();
    }

    /// <summary>Frees everything of a run, as its readers end. For a run that the service does not know any more.</summary>
    public void Drop(RunId run)
    {
        foreach (var key in _pools.Keys.Where(key => key.Run == run))
        {
            if (_pools.TryRemove(key, out var pool))
            {
                pool.Drop();
            }
        }

        _progress.TryRemove(run, out _);
        LogDropped(run);
    }

    /// <summary>Lets the folder go, for the next process. What is in it stays.</summary>
    public void Dispose() => _lock?.Dispose();

    private RunFolder FolderOf(RunId run) => _folders.GetOrAdd(run, name => new RunFolder(_folder, name));

    private void AdoptRun(RunId run, string path)
    {
        // Also if none of its arenas can be adopted: then its layouts are to be swept.
        _ = FolderOf(run);
        foreach (var file in Directory.GetFiles(path, "*" + RunFolder.Extension))
        {
            string? fault;
            try
            {
                fault = AdoptFile(run, file);
            }
            catch (Exception e) when (e is CheckpointerException or IOException or UnauthorizedAccessException)
            {
                fault = e.Message;
            }

            // Its memory is worth more than its remains.
            if (fault is not null)
            {
                LogNotAdopted(ErrorCode.ArenaCorrupt, file, fault);
                File.Delete(file);
                CrashPoint.Reach(CrashPointNames.ArenaRefused);
            }
        }
    }

    private string? AdoptFile(RunId run, string path)
    {
        var file = ArenaFile.TryOpen(path, _budget.Return, out var header, out var fault);
        if (file is null)
        {
            return fault;
        }

        _budget.TakeExisting(file.LengthBytes);
        fault = header!.Run != run || FolderOf(run).FileOf(header.Rank, header.Slot) != path
            ? "its header is that of another file"
            : GetOrAdd(run, header.Rank).Adopt(file, header);
        if (fault is not null)
        {
            file.Release();
        }
        else
        {
            LogAdopted(run, header.Rank, header.Slot, header.State, header.Checkpoint);
        }

        return fault;
    }

    private void MakeRoomForRank(long bytes, SlotPool asking)
    {
        foreach (var free in (Func<SlotPool, bool>[])[pool => pool.TryDropSpare(), pool => pool.TryEvictReplicas()])
        {
            foreach (var pool in _pools.Values.Where(pool => pool != asking).OrderBy(pool => pool.Touched))
            {
                if (bytes <= _budget.LimitBytes - _budget.UsedBytes)
                {
                    return;
                }

                free(pool);
            }
        }
    }

    /// <summary>Takes the memory of ranks that need it least: the longest quiet first, until the bytes fit.</summary>
    private void MakeRoom(long bytes, SlotPool asking)
    {
        foreach (var pool in _pools.Values.Where(pool => pool != asking).OrderBy(pool => pool.Touched))
        {
            if (bytes <= _budget.LimitBytes - _budget.UsedBytes)
            {
                return;
            }

            pool.TryEvict();
        }
    }
}
