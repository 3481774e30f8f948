namespace Checkpointer.Service.Runs.Commands;

/// <summary>The answer of commands that have nothing to say but that they were taken.</summary>
internal sealed class Acknowledged
{
    private Acknowledged()
    {
    }

    /// <summary>The one value.</summary>
    public static Acknowledged Instance { get; } = new();
}
