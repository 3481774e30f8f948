using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Service.Committing;

/// <summary>A rank's index or layout in the store is not what its agent reported. Trying again finds the same.</summary>
internal sealed class ShardFaultException(Rank rank, string message, Exception? inner = null)
    : CheckpointerException(ErrorCode.CheckpointIncoherent, message, isTransient: false, inner)
{
    /// <summary>The rank.</summary>
    public Rank Rank { get; } = rank;
}
