namespace Checkpointer.Crash.Tests.DurableWrites;

/// <summary>A place in the source that writes what outlives the process.</summary>
/// <param name="File">The file, from the root of the repository.</param>
/// <param name="Line">Its line, from 1.</param>
/// <param name="Primitive">What writes.</param>
/// <param name="Code">The text of the line.</param>
/// <param name="Member">The text of the member that it is in.</param>
internal sealed record DurableWrite(string File, int Line, string Primitive, string Code, string Member)
{
    public override string ToString() => $"{File}:{Line}: {Primitive}: {Code}";
}
