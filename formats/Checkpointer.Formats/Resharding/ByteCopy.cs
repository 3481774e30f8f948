using Checkpointer.Formats.Identity;

namespace Checkpointer.Formats.Resharding;

/// <summary>"These bytes of that rank's image go there in the target's."</summary>
/// <param name="Source">The rank whose image to read.</param>
/// <param name="SourceOffset">First byte in the source's image.</param>
/// <param name="TargetOffset">First byte in the target's image.</param>
/// <param name="Length">Length in bytes, never 0.</param>
public readonly record struct ByteCopy(Rank Source, long SourceOffset, long TargetOffset, long Length);
