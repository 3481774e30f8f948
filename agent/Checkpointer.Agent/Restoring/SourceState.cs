namespace Checkpointer.Agent.Restoring;

/// <summary>A source and what has become of it in this restore. Thread-safe.</summary>
internal sealed class SourceState(IImageSource source)
{
    private volatile bool _isDead;
    private volatile bool _isOpen;

    /// <summary>The source.</summary>
    public IImageSource Source => source;

    /// <summary>Whether it was opened and described the right image (or none).</summary>
    public bool IsOpen
    {
        get => _isOpen;
        set => _isOpen = value;
    }

    /// <summary>Whether it failed so that asking it again would only cost time.</summary>
    public bool IsDead
    {
        get => _isDead;
        set => _isDead = value;
    }
}
