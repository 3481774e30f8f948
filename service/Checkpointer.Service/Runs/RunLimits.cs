namespace Checkpointer.Service.Runs;

/// <summary>Limits of what a run takes and keeps. What is asked for beyond one is refused with <c>limit_exceeded</c>.</summary>
internal static class RunLimits
{
    /// <summary>Most ranks of a world. Memory is taken for ranks that have joined, not for those announced.</summary>
    public const int MaxWorldSize = 1_000_000;

    /// <summary>Longest incarnation, in characters.</summary>
    public const int MaxIncarnationLength = 128;

    /// <summary>Longest node name, in characters.</summary>
    public const int MaxNodeLength = 253;

    /// <summary>Longest agent instance, in characters.</summary>
    public const int MaxInstanceLength = 64;

    /// <summary>Longest agent address, in characters.</summary>
    public const int MaxAddressLength = 512;

    /// <summary>Longest name of an agent's failure domain, in characters.</summary>
    public const int MaxDomainLength = 128;

    /// <summary>Longest description of an agent's store, in characters.</summary>
    public const int MaxStoreLength = 1024;

    /// <summary>Longest id of an agent's repository, in characters.</summary>
    public const int MaxRepositoryLength = 64;

    /// <summary>Most images that a join may list.</summary>
    public const int MaxHoldings = 4096;

    /// <summary>Most runs that an agent may name beside those of its holdings.</summary>
    public const int MaxPresenceRuns = 1024;

    /// <summary>Most connected ranks that a heartbeat may name.</summary>
    public const int MaxPresenceRanks = 1024;

    /// <summary>Most steps of one report.</summary>
    public const int MaxReportedSteps = 1024;

    /// <summary>Longest data cursor, in UTF-8 bytes of its JSON text.</summary>
    public const int MaxDataCursorBytes = 4096;

    /// <summary>Longest digest of the random number generators, in characters.</summary>
    public const int MaxRngDigestLength = 128;

    /// <summary>Longest reason of a refused snapshot, in characters.</summary>
    public const int MaxReasonLength = 1024;

    /// <summary>Most tensors that an image names as not finite.</summary>
    public const int MaxNonFiniteTensors = 16;

    /// <summary>Longest name of such a tensor, in characters.</summary>
    public const int MaxTensorNameLength = 1024;

    /// <summary>Most faults of one restore report, and the longest of them in characters.</summary>
    public const int MaxFaults = 64;

    /// <inheritdoc cref="MaxFaults"/>
    public const int MaxFaultLength = 1024;

    /// <summary>Most sources that a plan lists for one image.</summary>
    public const int MaxSourcesPerImage = 8;

    /// <summary>Most ranks that an incident, a summary or an event names.</summary>
    public const int MaxNamedRanks = 64;

    /// <summary>Most incidents of corrupt copies that one grant raises, one a node and snapshot.</summary>
    public const int MaxCorruptIncidents = 64;

    /// <summary>Longest target of a rollback as it is asked for, in characters.</summary>
    public const int MaxTargetLength = 64;

    /// <summary>Longest name of who decided something, in characters.</summary>
    public const int MaxActorLength = 128;

    /// <summary>Most checkpoints that a rollback names as left behind: the newest.</summary>
    public const int MaxNamedCheckpoints = 64;

    /// <summary>Most shards of a checkpoint that a rollback recalls from its manifest; they are journaled with it.</summary>
    public const int MaxRecalledShards = 4096;

    /// <summary>Rollbacks that are kept in memory: the newest. They are numbered on.</summary>
    public const int MaxRollbacks = 1024;

    /// <summary>Most given-up snapshots that a run's progress lists: the newest.</summary>
    public const int MaxGivenUp = 64;

    /// <summary>Most steps that some ranks have sealed and others not yet; one more gives up the oldest.</summary>
    public const int MaxOpenSnapshots = 64;

    /// <summary>Most checkpoints that are saving or committing at a time; one more abandons the oldest that is saving.</summary>
    public const int MaxOpenCheckpoints = 64;

    /// <summary>Committed checkpoints whose shards are kept in memory, the newest; a plan can name these.</summary>
    public const int MaxDetailedCheckpoints = 16;

    /// <summary>Committed checkpoints that stay listed: the newest. The store has them all.</summary>
    public const int MaxCommittedCheckpoints = 65_536;

    /// <summary>Abandoned checkpoints that stay listed: the newest.</summary>
    public const int MaxAbandonedCheckpoints = 1024;

    /// <summary>Attempts of which it is known up to which step abandoned checkpoints are no longer listed: the newest.</summary>
    public const int MaxForgottenAttempts = 256;

    /// <summary>Checkpoints of whose verification the findings are kept: the newest. How many there were is kept of all.</summary>
    public const int MaxDetailedVerifications = 64;

    /// <summary>Incarnations that are remembered as superseded: the newest.</summary>
    public const int MaxPastIncarnations = 1024;

    /// <summary>Attempts whose nodes and restores are kept: the newest. What an attempt resumed from is kept for good.</summary>
    public const int MaxDetailedAttempts = 64;

    /// <summary>Ledger entries that are kept in memory: the newest, or up to an eighth fewer. The journal has them all.</summary>
    public const int MaxLedgerEntries = 131_072;

    /// <summary>Text of kept ledger entries' data cursors and digests, in characters.</summary>
    public const long MaxLedgerTextLength = 64L << 20;

    /// <summary>Incidents that are kept in memory: the newest. They are numbered on.</summary>
    public const int MaxIncidents = 10_000;

    /// <summary>Longest incident message, in characters.</summary>
    public const int MaxIncidentLength = 4096;

    /// <summary>Most elements of one page of a listing.</summary>
    public const int MaxPageSize = 1000;
}
