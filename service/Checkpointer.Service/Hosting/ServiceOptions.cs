using Checkpointer.Formats.Errors;
using Checkpointer.Storage;
using Checkpointer.Storage.Verification;

namespace Checkpointer.Service.Hosting;

/// <summary>Everything that the service is told when it starts.</summary>
public sealed record ServiceOptions
{
    /// <summary>The folder of the journal; made if it does not exist. One process at a time.</summary>
    public required string DataPath { get; init; }

    /// <summary>The object store.</summary>
    public required StoreOptions Store { get; init; }

    /// <summary>Where agents, operators and probes reach it. Loopback unless told otherwise; port 0 picks one.</summary>
    public Uri Listen { get; init; } = new("http://127.0.0.1:7070");

    /// <summary>How long a checkpoint may stay incomplete before it is abandoned, 1 second to 7 days.</summary>
    public TimeSpan CheckpointDeadline { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How long an agent that says nothing counts as alive, 1 second to 1 hour.</summary>
    public TimeSpan AgentTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Commits that are checked and written at the same time, 1 to 64; more wait.</summary>
    public int MaxParallelCommits { get; init; } = 4;

    /// <summary>
    /// How long a commit may keep others waiting; one that takes longer goes on beside them. 100 ms to
    /// <see cref="CommitTimeout"/>.
    /// </summary>
    public TimeSpan CommitPatience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long one try of a commit may take before it makes room for others and is tried again, 1 second to 1 hour.</summary>
    public TimeSpan CommitTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>The first pause after a try of a commit that storage failed; doubled each time, up to 16 times this. 10 ms to 10 minutes.</summary>
    public TimeSpan CommitRetryDelay { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Journal entries after which a new snapshot bounds the replay, 100 to 10,000,000.</summary>
    public int SnapshotEveryEntries { get; init; } = 20_000;

    /// <summary>How often one committed checkpoint is verified in the background, 1 second to 366 days; zero: never.</summary>
    public TimeSpan ScrubInterval { get; init; } = TimeSpan.FromHours(24);

    /// <summary>Most bytes a second that the scrub reads, at least 64 KiB; zero: as fast as it goes.</summary>
    public long ScrubBytesPerSecond { get; init; } = 64L << 20;

    /// <summary>Between two sweeps of what aborted saves left in the store, 100 ms to 7 days.</summary>
    public TimeSpan SweepInterval { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How long objects of a save that will never be a checkpoint stay, by the store's clock, 100 ms to 365 days.</summary>
    public TimeSpan SweepGrace { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Where incidents are sent; null: nowhere.</summary>
    public WebhookOptions? Webhook { get; init; }

    /// <summary>Throws <c>configuration_invalid</c>, naming the setting, if a value makes no sense.</summary>
    public void Validate()
    {
        Require(!string.IsNullOrWhiteSpace(DataPath), nameof(DataPath), "must name a folder");
        Require(!string.IsNullOrWhiteSpace(Store?.Url), nameof(Store), "must name an object store");
        Store!.Resilience.Validate();
        Require(
            Listen is { IsAbsoluteUri: true, Scheme: "http" or "https", PathAndQuery: "/" },
            nameof(Listen),
            "must be an address such as http://127.0.0.1:7070");
        Webhook?.Validate();
        RequireWithin(CheckpointDeadline, TimeSpan.FromSeconds(1), TimeSpan.FromDays(7), nameof(CheckpointDeadline));
        RequireWithin(AgentTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1), nameof(AgentTimeout));
        RequireWithin(CommitTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1), nameof(CommitTimeout));
        RequireWithin(CommitPatience, TimeSpan.FromMilliseconds(100), CommitTimeout, nameof(CommitPatience));
        RequireWithin(
            CommitRetryDelay, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(10), nameof(CommitRetryDelay));
        Require(
            ScrubInterval == TimeSpan.Zero || (ScrubInterval >= TimeSpan.FromSeconds(1) && ScrubInterval <= TimeSpan.FromDays(366)),
            nameof(ScrubInterval),
            "must be 1 second to 366 days, or zero for never");
        Require(
            ScrubBytesPerSecond is 0 or >= VerificationOptions.MinBytesPerSecond,
            nameof(ScrubBytesPerSecond),
            "must be at least 64 KiB, or zero for no limit");
        RequireWithin(SweepInterval, TimeSpan.FromMilliseconds(100), TimeSpan.FromDays(7), nameof(SweepInterval));
        RequireWithin(SweepGrace, TimeSpan.FromMilliseconds(100), TimeSpan.FromDays(365), nameof(SweepGrace));
        Require(MaxParallelCommits is >= 1 and <= 64, nameof(MaxParallelCommits), "must be 1 to 64");
        Require(
            SnapshotEveryEntries is >= 100 and <= 10_000_000, nameof(SnapshotEveryEntries), "must be 100 to 10,000,000");
    }

    private static void RequireWithin(TimeSpan value, TimeSpan least, TimeSpan most, string name) =>
        Require(value >= least && value <= most, name, $"must be {least} to {most}");

    private static void Require(bool holds, string name, string what)
    {
        if (!holds)
        {
            throw new CheckpointerException(ErrorCode.ConfigurationInvalid, $"The service's {name} {what}.");
        }
    }
}
