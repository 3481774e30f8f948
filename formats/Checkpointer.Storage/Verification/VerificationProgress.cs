namespace Checkpointer.Storage.Verification;

/// <summary>How far a verification is.</summary>
/// <param name="BytesDone">Bytes of chunks that are settled: checked, found bad or missing, or checked for another shard before.</param>
/// <param name="BytesTotal">Bytes of all chunks, as far as manifests and indices could be read.</param>
/// <param name="BytesRead">Bytes read for it so far.</param>
/// <param name="Faults">Chunks and objects found bad, missing or unreadable so far.</param>
/// <param name="Elapsed">Time since it began.</param>
public readonly record struct VerificationProgress(
    long BytesDone, long BytesTotal, long BytesRead, int Faults, TimeSpan Elapsed)
{
    /// <summary>Bytes read a second so far.</summary>
    public double BytesPerSecond => Elapsed > TimeSpan.Zero ? BytesRead / Elapsed.TotalSeconds : 0;
}
