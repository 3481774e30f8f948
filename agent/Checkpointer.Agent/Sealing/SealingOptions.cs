using Checkpointer.Formats.Errors;

namespace Checkpointer.Agent.Sealing;

/// <summary>How sealing uses the machine.</summary>
internal sealed record SealingOptions
{
    /// <summary>Most threads that anyone may configure.</summary>
    public const int MaxParallelism = 64;

    /// <summary>
    /// Threads that hash, for all images of the node together; 1 to 64. Default the number of cores, at most 4: at about
    /// 10 GB/s each (FACTS: 17 for the hash alone) that is memory's own speed, and the trainer keeps its cores.
    /// </summary>
    public int Parallelism { get; init; } = Math.Min(4, Environment.ProcessorCount);

    /// <summary>Throws <see cref="ErrorCode.ConfigurationInvalid"/> if a value makes no sense.</summary>
    public void Validate()
    {
        if (Parallelism is < 1 or > MaxParallelism)
        {
            throw new CheckpointerException(
                ErrorCode.ConfigurationInvalid, $"Sealing runs on {Parallelism} threads; it must be 1 to {MaxParallelism}.");
        }
    }
}
