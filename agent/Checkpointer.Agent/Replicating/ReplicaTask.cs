using Checkpointer.Contracts.Replicas;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Agent.Replicating;

/// <summary>One image that another agent offered, on its way here.</summary>
internal sealed class ReplicaTask(RunId run, Rank rank, CheckpointId checkpoint, ReplicaOffer offer, Uri address) : IDisposable
{
    private readonly CancellationTokenSource _end = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _copiedBytes;
    private volatile bool _isBegun;

    public RunId Run => run;

    public Rank Rank => rank;

    public CheckpointId Checkpoint => checkpoint;

    public ReplicaOffer Offer => offer;

    /// <summary>Where the image is.</summary>
    public Uri Address => address;

    /// <summary>Ends it; what was copied is lost.</summary>
    public CancellationToken Token => _end.Token;

    /// <summary>Whether bytes have begun to come: it goes on then, whatever newer is offered.</summary>
    public bool IsBegun
    {
        get => _isBegun;
        set => _isBegun = value;
    }

    /// <summary>Verified bytes so far.</summary>
    public long CopiedBytes => Interlocked.Read(ref _copiedBytes);

    /// <summary>Ends, without an error, when the copy is held or will never be.</summary>
    public Task Ended => _ended.Task;

    public void Copied(long bytes) => Interlocked.Add(ref _copiedBytes, bytes);

    public void Cancel() => _end.Cancel();

    public void Settle() => _ended.TrySetResult();

    public void Dispose() => _end.Dispose();
}
