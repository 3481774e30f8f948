using Checkpointer.Contracts.Agents;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Agent.Arenas;

/// <summary>An image that a peer should have.</summary>
/// <param name="Checkpoint">The step and attempt that captured it.</param>
/// <param name="Image">The image.</param>
/// <param name="WorldSize">Number of ranks of the attempt that captured it.</param>
/// <param name="ChunkBytes">Length of its chunks.</param>
/// <param name="HeldAt">When it was sealed or rebuilt, as a timestamp of the time provider.</param>
/// <param name="Progress">Where the run stands: its attempt and the peer.</param>
internal sealed record CopyCandidate(
    CheckpointId Checkpoint, SealedImage Image, int WorldSize, int ChunkBytes, long HeldAt, RunProgress Progress);
