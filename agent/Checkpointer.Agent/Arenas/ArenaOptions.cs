using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Errors;

namespace Checkpointer.Agent.Arenas;

/// <summary>Where arenas lie and how they are cut.</summary>
internal sealed record ArenaOptions
{
    /// <summary>Fewest slots of a rank: one to hold the newest globally sealed step, one to fill.</summary>
    public const int MinSlotsPerRank = 2;

    /// <summary>Most slots of a rank.</summary>
    public const int MaxSlotsPerRank = 8;

    /// <summary>The node's name, already checked to be no path trick: a folder's name.</summary>
    public required string Node { get; init; }

    /// <summary>The folder under which all nodes' arenas lie.</summary>
    public string Root { get; init; } = "/dev/shm/checkpointer";

    /// <summary>Slots of each rank, 2 to 8.</summary>
    public int SlotsPerRank { get; init; } = MinSlotsPerRank;

    /// <summary>Chunk length in bytes of new images.</summary>
    public int ChunkBytes { get; init; } = ChunkGeometry.DefaultChunkBytes;

    /// <summary>How long a begin that finds no free slot may wait for the service to say what may be reused.</summary>
    public TimeSpan ProgressTimeout { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>How long a run must have been quiet before its memory may be given to another run that needs it.</summary>
    public TimeSpan IdleAfter { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Throws <see cref="ErrorCode.ConfigurationInvalid"/> if a value makes no sense.</summary>
    public void Validate()
    {
        Require(
            Node.Length is >= 1 and <= 253 && Node[0] != '.'
                && Node.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-'),
            "a node's name is 1 to 253 of letters, digits, '.', '_' and '-', not starting with '.'");
        Require(Path.IsPathFullyQualified(Root), "the arena root must be a full path");
        Require(
            SlotsPerRank is >= MinSlotsPerRank and <= MaxSlotsPerRank,
            $"a rank has {MinSlotsPerRank} to {MaxSlotsPerRank} slots");
        Require(
            ChunkBytes is >= 1 and <= ChunkGeometry.MaxChunkBytes,
            $"a chunk has 1 to {ChunkGeometry.MaxChunkBytes} bytes");
        Require(ProgressTimeout > TimeSpan.Zero && IdleAfter > TimeSpan.Zero, "times must be positive");
    }

    private static void Require(bool holds, string rule)
    {
        if (!holds)
        {
            throw new CheckpointerException(ErrorCode.ConfigurationInvalid, $"The arenas' settings make no sense: {rule}.");
        }
    }
}
