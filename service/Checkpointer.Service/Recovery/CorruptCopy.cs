using Checkpointer.Service.Runs.Events;

namespace Checkpointer.Service.Recovery;

/// <summary>An image in an agent's memory that is not what was sealed, or that contradicts another agent's.</summary>
/// <param name="Node">The agent's node.</param>
/// <param name="Image">What it says it holds.</param>
internal sealed record CorruptCopy(string Node, HeldImage Image);
