using System.Text.Json;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Images;

/// <summary>
/// <c>GET /v1/images/{run}/{rank}/{step.attempt}</c>, agent to agent: what one needs to read and verify a sealed image.
/// Its bytes are at <c>…/data</c> (ranged GET, 206), its layout at <c>…/layout</c>.
/// </summary>
public sealed record ImageDescription
{
    /// <summary>The step and attempt that captured it.</summary>
    public required CheckpointId Checkpoint { get; init; }

    /// <summary>The image; its root is the hash over <see cref="ChunkHashes"/>.</summary>
    public required SealedImage Image { get; init; }

    /// <summary>Chunk length in bytes.</summary>
    public required int ChunkBytes { get; init; }

    /// <summary>The 16-byte XxHash128 of every chunk in order, concatenated, as base64.</summary>
    public required byte[] ChunkHashes { get; init; }

    /// <summary>What the trainer had passed to the seal.</summary>
    public JsonElement? Extra { get; init; }
}
