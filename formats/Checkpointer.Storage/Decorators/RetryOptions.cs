using Checkpointer.Formats.Errors;

namespace Checkpointer.Storage.Decorators;

/// <summary>How <see cref="RetryingObjectStore"/> repeats calls that failed in passing.</summary>
public sealed record RetryOptions
{
    /// <summary>Most attempts anyone may configure.</summary>
    public const int MaxAttemptsLimit = 20;

    /// <summary>Attempts in all, the first included; 1 to 20, default 6.</summary>
    public int MaxAttempts { get; init; } = 6;

    /// <summary>About how long to wait before the second attempt; doubles each time. Default 200 ms.</summary>
    public TimeSpan BaseDelay { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>Longest wait between two attempts. Default 10 s.</summary>
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Throws <see cref="ErrorCode.ConfigurationInvalid"/> if a value makes no sense.</summary>
    internal void Validate()
    {
        if (MaxAttempts is < 1 or > MaxAttemptsLimit)
        {
            throw new CheckpointerException(
                ErrorCode.ConfigurationInvalid, $"MaxAttempts is {MaxAttempts}; it must be 1 to {MaxAttemptsLimit}.");
        }

        if (BaseDelay <= TimeSpan.Zero || MaxDelay < BaseDelay || MaxDelay > TimeSpan.FromHours(1))
        {
            throw new CheckpointerException(
                ErrorCode.ConfigurationInvalid, "BaseDelay must be positive and MaxDelay between it and one hour.");
        }
    }
}
