namespace Checkpointer.Storage.Resilience;

/// <summary>The places for calls of each <see cref="Lane"/>.</summary>
internal sealed class Lanes(ResilienceOptions options)
{
    private readonly AdaptiveConcurrency[] _lanes =
    [
        new(options.MaxConcurrentSmallCalls),
        new(options.MaxConcurrentWrites),
        new(options.MaxConcurrentReads),
    ];

    public AdaptiveConcurrency this[Lane lane] => _lanes[(int)lane];
}
