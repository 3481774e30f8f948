using Checkpointer.Contracts.Agents;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Agent.Arenas;

/// <summary>Asks the service where a run stands.</summary>
internal interface IRunProgressSource
{
    /// <summary>
    /// The run's progress as of now, or null if the service cannot be asked in time. Never throws, except
    /// <see cref="OperationCanceledException"/>. Whatever it returns is also given to
    /// <see cref="NodeArenas.Observe"/> by the caller, not by the source.
    /// </summary>
    Task<RunProgress?> FetchAsync(RunId run, CancellationToken cancellationToken);
}
