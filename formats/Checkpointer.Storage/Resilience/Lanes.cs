namespace Checkpointer.Storage.Resilience;

/// <summary>The places for calls of each <see cref="Lane"/>.</summary>
internal sealed class Lanes(ResilienceOptions options)
{
    private readonly AdaptiveConcurrency[] _lanes =
    [
        new(options.MaxConcurrentSmallCalls),
        new(options.MaxConcurrentWrites),

        // A restore is over before a limit that grows by one a round has grown: it begins with all places.
        new(options.MaxConcurrentReads, start: options.MaxConcurrentReads),
    ];

    public AdaptiveConcurrency this[Lane lane] => _lanes[(int)lane];
}
