using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Indices;
using Checkpointer.Formats.Layouts;
using Checkpointer.Formats.Manifests;

namespace Checkpointer.Storage.Verification;

/// <summary>What a checkpoint's own objects say of it, as far as they could be read, and what is wrong with them.</summary>
internal sealed class CheckpointDescription(CheckpointId checkpoint)
{
    public CheckpointId Checkpoint => checkpoint;

    /// <summary>Null if it could not be read; then nothing else was.</summary>
    public Manifest? Manifest { get; set; }

    /// <summary>By rank; null where it could not be read.</summary>
    public ShardIndex?[] Indices { get; set; } = [];

    /// <summary>By digest; without those that could not be read.</summary>
    public IReadOnlyDictionary<string, Layout> Layouts { get; set; } = new Dictionary<string, Layout>();

    /// <summary>What is wrong.</summary>
    public List<ObjectFinding> Findings { get; } = [];

    /// <summary>The layout of one rank's image; null if it could not be read.</summary>
    public Layout? LayoutOf(int rank) => Manifest is { } manifest ? Layouts.GetValueOrDefault(manifest.Shards[rank].Layout) : null;
}
