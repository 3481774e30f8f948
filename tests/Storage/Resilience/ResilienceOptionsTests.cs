using Checkpointer.Formats.Errors;
using Checkpointer.Storage.Resilience;

namespace Checkpointer.Storage.Tests.Resilience;

public sealed class ResilienceOptionsTests
{
    public static TheoryData<string, ResilienceOptions> Bad => new()
    {
        { "MaxAttempts", new() { MaxAttempts = 0 } },
        { "MaxAttempts", new() { MaxAttempts = ResilienceOptions.MaxAttemptsLimit + 1 } },
        { "RetryDelay", new() { RetryDelay = TimeSpan.Zero } },
        { "RetryDelay", new() { RetryDelay = TimeSpan.FromSeconds(31) } },
        { "MaxRetryDelay", new() { MaxRetryDelay = TimeSpan.FromMinutes(11) } },
        { "AttemptTimeout", new() { AttemptTimeout = TimeSpan.FromMilliseconds(999) } },
        { "SlowestBytesPerSecond", new() { SlowestBytesPerSecond = 1023 } },
        { "CallTimeout", new() { CallTimeout = TimeSpan.FromSeconds(14) } },
        { "BreakerAttempts", new() { BreakerAttempts = 1 } },
        { "BreakerPause", new() { BreakerPause = TimeSpan.FromMilliseconds(499) } },
        { "MaxConcurrentWrites", new() { MaxConcurrentWrites = 1 } },
        { "MaxConcurrentReads", new() { MaxConcurrentReads = 1025 } },
        { "MaxConcurrentSmallCalls", new() { MaxConcurrentSmallCalls = 0 } },
        { "HedgedShare", new() { HedgedShare = 0.21 } },
        { "HedgedShare", new() { HedgedShare = double.NaN } },
    };

    [Theory]
    [MemberData(nameof(Bad))]
    public void Validate_OutOfRange_NamesTheSetting(string setting, ResilienceOptions options)
    {
        var failure = Assert.Throws<CheckpointerException>(options.Validate);
        Assert.Equal(ErrorCode.ConfigurationInvalid, failure.Code);
        Assert.StartsWith($"The store's {setting} is ", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Defaults_SuitPacksAtAFewMegabytesASecondAndMetadata()
    {
        var options = new ResilienceOptions();
        options.Validate();
        new ResilienceOptions { CallTimeout = null, HedgedShare = 0 }.Validate();
        const long Pack = 256L << 20;
        Assert.InRange(options.AttemptTimeoutOf(Pack), TimeSpan.FromSeconds(Pack / 3e6), TimeSpan.FromMinutes(5));
        Assert.Equal(TimeSpan.FromSeconds(15), options.AttemptTimeoutOf(0));
        Assert.InRange(options.CallTimeoutOf(Pack)!.Value, options.AttemptTimeoutOf(Pack) * 2, TimeSpan.FromMinutes(10));
        Assert.Null((options with { CallTimeout = null }).CallTimeoutOf(Pack));
    }
}
