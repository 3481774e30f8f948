using Checkpointer.Contracts.Agents;

namespace Checkpointer.Service.Detection;

/// <summary>A rank in training as its agent last told of it.</summary>
/// <param name="Node">The agent's node.</param>
/// <param name="Activity">What it told.</param>
/// <param name="Age">How long ago.</param>
internal sealed record RankSighting(string Node, RankActivity Activity, TimeSpan Age);
