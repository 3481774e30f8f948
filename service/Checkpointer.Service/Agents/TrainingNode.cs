using Checkpointer.Contracts.Agents;

namespace Checkpointer.Service.Agents;

/// <summary>An agent whose last heartbeat named ranks in training.</summary>
/// <param name="Node">Its node.</param>
/// <param name="Instance">Which start of it.</param>
/// <param name="Address">Base address at which it can be asked whether it lives.</param>
/// <param name="Silence">How long ago it said anything.</param>
/// <param name="Ranks">The ranks, at least one, as of then.</param>
internal sealed record TrainingNode(
    string Node, string Instance, string Address, TimeSpan Silence, IReadOnlyList<RankActivity> Ranks);
