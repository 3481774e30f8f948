using Checkpointer.Storage.Verification;

namespace Checkpointer.Cli.Verifying;

/// <summary>Holds the newest progress, for whoever shows it at their own pace. Thread-safe.</summary>
internal sealed class ProgressBox : IProgress<VerificationProgress>
{
    private readonly Lock _gate = new();
    private VerificationProgress _newest;

    /// <summary>The newest.</summary>
    public VerificationProgress Newest
    {
        get
        {
            lock (_gate)
            {
                return _newest;
            }
        }
    }

    /// <inheritdoc/>
    public void Report(VerificationProgress value)
    {
        lock (_gate)
        {
            // Readers report as they end, not in order.
            _newest = value.BytesDone >= _newest.BytesDone ? value : _newest;
        }
    }
}
