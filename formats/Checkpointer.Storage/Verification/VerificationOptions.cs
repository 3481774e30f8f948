using Checkpointer.Formats.Errors;

namespace Checkpointer.Storage.Verification;

/// <summary>How a verification reads.</summary>
public sealed record VerificationOptions
{
    /// <summary>Slowest rate that can be asked for: 64 KiB a second.</summary>
    public const long MinBytesPerSecond = 64 * 1024;

    /// <summary>Reads at the same time, 1 to 256; fewer where <see cref="BufferBytes"/> has no room for so many.</summary>
    public int Parallelism { get; init; } = 8;

    /// <summary>Memory for chunks being checked, in bytes, 1 MiB to 64 GiB. One chunk at a time always has room.</summary>
    public long BufferBytes { get; init; } = 128L << 20;

    /// <summary>Longest ranged read of neighbouring chunks, in bytes, 64 KiB to 256 MiB. A longer chunk is still read whole.</summary>
    public int ReadBytes { get; init; } = 8 << 20;

    /// <summary>Most bytes to read a second, on average; null: as fast as it goes.</summary>
    public long? BytesPerSecond { get; init; }

    /// <summary>
    /// Reads in a row that the store fails to answer before the rest is left unread, 1 to 1,000: an outage does not get
    /// shorter by asking on, and every one of them may have been tried for minutes.
    /// </summary>
    public int MaxFailuresInARow { get; init; } = 16;

    /// <summary>Throws <c>configuration_invalid</c>, naming the setting, if a value makes no sense.</summary>
    public void Validate()
    {
        Require(Parallelism is >= 1 and <= 256, nameof(Parallelism), "must be 1 to 256");
        Require(BufferBytes is >= 1L << 20 and <= 64L << 30, nameof(BufferBytes), "must be 1 MiB to 64 GiB");
        Require(ReadBytes is >= 64 << 10 and <= 256 << 20, nameof(ReadBytes), "must be 64 KiB to 256 MiB");
        Require(BytesPerSecond is null or >= MinBytesPerSecond, nameof(BytesPerSecond), "must be at least 64 KiB");
        Require(MaxFailuresInARow is >= 1 and <= 1000, nameof(MaxFailuresInARow), "must be 1 to 1,000");
    }

    private static void Require(bool holds, string name, string what)
    {
        if (!holds)
        {
            throw new CheckpointerException(ErrorCode.ConfigurationInvalid, $"A verification's {name} {what}.");
        }
    }
}
