namespace Checkpointer.Chaos.Announcing;

/// <summary>A process has reached a crash point and waits there until it is let go on, or dies.</summary>
internal sealed class Announcement(int pid, string point)
{
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Who is there.</summary>
    public int Pid => pid;

    /// <summary>Where.</summary>
    public string Point => point;

    /// <summary>Ends when it is let go on.</summary>
    public Task Released => _released.Task;

    /// <summary>Lets it go on.</summary>
    public void Release() => _released.TrySetResult();
}
