using Checkpointer.Formats.Identity;

namespace Checkpointer.Formats.Resharding;

/// <summary>One way in which layouts do not fit together.</summary>
/// <param name="Kind">What is wrong.</param>
/// <param name="Tensor">The tensor.</param>
/// <param name="Ranks">The ranks concerned, ascending.</param>
public sealed record CoverageFault(CoverageFaultKind Kind, string Tensor, IReadOnlyList<Rank> Ranks);
