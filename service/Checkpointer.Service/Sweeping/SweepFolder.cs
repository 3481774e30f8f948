using Checkpointer.Formats.Identity;
using Checkpointer.Storage;

namespace Checkpointer.Service.Sweeping;

/// <summary>The deletions of one save, in order: all indices, then all packs.</summary>
/// <param name="Checkpoint">Which.</param>
/// <param name="Reason">Why.</param>
/// <param name="Indices">Deleted first, so that no index ever names a pack that is gone.</param>
/// <param name="Packs">Deleted then.</param>
internal sealed record SweepFolder(
    CheckpointId Checkpoint, SweepReason Reason, IReadOnlyList<ObjectInfo> Indices, IReadOnlyList<ObjectInfo> Packs)
{
    /// <summary>How many objects.</summary>
    public int Objects => Indices.Count + Packs.Count;
}
