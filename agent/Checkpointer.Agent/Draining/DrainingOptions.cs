using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Packs;

namespace Checkpointer.Agent.Draining;

/// <summary>How draining uses store and memory. Ranks drain independently of each other, so limits are for each rank.</summary>
internal sealed record DrainingOptions
{
    /// <summary>Most concurrent puts of a rank that anyone may configure.</summary>
    public const int MaxConcurrentPuts = 64;

    /// <summary>Puts of packs that one rank has under way at once, 1 to 64.</summary>
    public int ConcurrentPuts { get; init; } = 4;

    /// <summary>
    /// Bytes of packs that one rank has under way at once; at least one pack is always allowed. They lie in the arena and
    /// take no memory beside it: this bounds what is lost when a connection is. The default has room for four full packs.
    /// </summary>
    public long BytesInFlight { get; init; } = 1280L * 1024 * 1024;

    /// <summary>Most bytes of chunks in a pack.</summary>
    public int PackPayloadBytes { get; init; } = PackHeader.MaxPayloadBytes;

    /// <summary>About how long to wait after the first time that storage failed a whole drain; doubles each time.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Longest wait between two tries.</summary>
    public TimeSpan MaxRetryDelay { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Throws <see cref="ErrorCode.ConfigurationInvalid"/> if a value makes no sense.</summary>
    public void Validate()
    {
        if (ConcurrentPuts is < 1 or > MaxConcurrentPuts || BytesInFlight < 1
            || PackPayloadBytes is < 1 or > PackHeader.MaxPayloadBytes
            || RetryDelay <= TimeSpan.Zero || MaxRetryDelay < RetryDelay)
        {
            throw new CheckpointerException(ErrorCode.ConfigurationInvalid, $"The settings of draining make no sense: {this}.");
        }
    }
}
