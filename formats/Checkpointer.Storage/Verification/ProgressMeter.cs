namespace Checkpointer.Storage.Verification;

/// <summary>Counts what a verification has done and tells whoever wants to know. Thread-safe.</summary>
internal sealed class ProgressMeter(TimeProvider time, IProgress<VerificationProgress>? progress)
{
    private readonly long _began = time.GetTimestamp();
    private long _done;
    private long _total;
    private long _read;
    private int _faults;

    /// <summary>Bytes read so far.</summary>
    public long BytesRead => Interlocked.Read(ref _read);

    /// <summary>More (or fewer) bytes are to be settled than was known.</summary>
    public void Expect(long bytes) => _ = Interlocked.Add(ref _total, bytes);

    /// <summary>Bytes were read.</summary>
    public void Read(long bytes) => _ = Interlocked.Add(ref _read, bytes);

    /// <summary>Something is bad, missing or unreadable.</summary>
    public void Fault() => _ = Interlocked.Increment(ref _faults);

    /// <summary>Chunks of that many bytes are settled.</summary>
    public void Settle(long bytes)
    {
        _ = Interlocked.Add(ref _done, bytes);
        progress?.Report(new VerificationProgress(
            Interlocked.Read(ref _done), Interlocked.Read(ref _total), BytesRead, Volatile.Read(ref _faults), time.GetElapsedTime(_began)));
    }
}
