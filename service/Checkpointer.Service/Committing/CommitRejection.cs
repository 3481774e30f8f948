using Checkpointer.Formats.Identity;

namespace Checkpointer.Service.Committing;

/// <summary>Why a checkpoint must never be committed.</summary>
/// <param name="Reason">What is wrong, for people.</param>
/// <param name="Ranks">The ranks to blame; may be empty.</param>
internal sealed record CommitRejection(string Reason, IReadOnlyList<Rank> Ranks);
