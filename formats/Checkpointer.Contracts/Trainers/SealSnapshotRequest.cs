using System.Text.Json;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Trainers;

/// <summary>
/// <c>POST /v1/runs/{run}/ranks/{rank}/snapshots/{step}/seal</c>, trainer to agent: every byte is in the slot. Answered
/// at once with a <see cref="SnapshotStatus"/> in state captured; hashing goes on in the background.
/// </summary>
public sealed record SealSnapshotRequest
{
    /// <summary>The trainer's attempt.</summary>
    public required Attempt Attempt { get; init; }

    /// <summary>How many bytes the trainer wrote; must be the layout's image length.</summary>
    public required long CapturedBytes { get; init; }

    /// <summary>Any JSON object, up to 256 KiB as UTF-8, given back at restore.</summary>
    public JsonElement? Extra { get; init; }
}
