using Checkpointer.Formats.Identity;

namespace Checkpointer.Formats.Indices;

/// <summary>A pack that an index names: the parts of its key, and its length.</summary>
/// <param name="Checkpoint">The checkpoint it was written for; an older one's where chunks were reused.</param>
/// <param name="Rank">The rank that wrote it.</param>
/// <param name="Number">Its number in that shard.</param>
/// <param name="PackBytes">Length of the whole object in bytes.</param>
public readonly record struct PackReference(CheckpointId Checkpoint, Rank Rank, int Number, long PackBytes);
