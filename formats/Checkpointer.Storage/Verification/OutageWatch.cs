using Checkpointer.Formats.Errors;

namespace Checkpointer.Storage.Verification;

/// <summary>Notices that the store is away, so that a verification ends instead of asking for every chunk in vain. Thread-safe.</summary>
internal sealed class OutageWatch(int maxFailuresInARow)
{
    private int _failures;
    private string? _stopped;

    /// <summary>Why nothing more is read; null while reading goes on.</summary>
    public string? Stopped => Volatile.Read(ref _stopped);

    /// <summary>The store answered, whatever it said.</summary>
    public void Answered() => Volatile.Write(ref _failures, 0);

    /// <summary>The store did not answer as it has to.</summary>
    public void Failed(CheckpointerException e)
    {
        if (Interlocked.Increment(ref _failures) >= maxFailuresInARow)
        {
            _ = Interlocked.CompareExchange(
                ref _stopped, $"the last {maxFailuresInARow} reads failed, the last with: {e.Message.TrimEnd('.')}", null);
        }
    }
}
