namespace Checkpointer.Crash.Tests.DurableWrites;

/// <summary>A durable write that needs no crash point.</summary>
/// <param name="File">The file, from the root of the repository.</param>
/// <param name="Code">What its line has: another line with another write is not excused by it.</param>
/// <param name="Why">Why a kill there need not be tried.</param>
internal sealed record DurableWriteException(string File, string Code, string Why)
{
    public bool Covers(DurableWrite write) => write.File == File && write.Code.Contains(Code, StringComparison.Ordinal);
}
