using System.Globalization;
using Checkpointer.Contracts.Agents;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs;
using Checkpointer.Service.Runs.Commands;

namespace Checkpointer.Service.Tests.Runs;

/// <summary>
/// One run's state with a clock and a journal: decisions are journaled as bytes, then applied, as in the
/// service. Also plays the agents: two ranks a node, each remembering what it has sealed.
/// </summary>
internal sealed class RunDriver
{
    public const string Layout = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    public static readonly RunId Run = RunId.Parse("sft-demo");

    public RunState State { get; private set; } = new(Run, new RunOptions());

    public DateTimeOffset Now { get; set; } = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    public List<byte[]> Journal { get; } = [];

    /// <summary>What the agents hold, by node.</summary>
    public Dictionary<string, List<Holding>> Memory { get; } = [];

    public Attempt Attempt => State.CurrentAttempt ?? AttemptOrFirst;

    /// <summary>Named by reports before there is any attempt.</summary>
    public Attempt AttemptOrFirst { get; set; } = new(1);

    /// <summary>How many events of the next decision reach the journal before the service dies; null: all.</summary>
    public int? KeepEvents { get; set; }

    public IReadOnlyList<Incident> Incidents => State.ListIncidents(null, RunLimits.MaxPageSize).Items;

    public static CheckpointId Id(long step, int attempt) => new(new Step(step), new Attempt(attempt));

    public static string NodeOf(int rank) => string.Create(CultureInfo.InvariantCulture, $"node-{rank / 2}");

    public static SealedImage Image(int rank, long step, int salt = 0, long nans = 0) => new()
    {
        Layout = Layout,
        ImageBytes = 1000 + rank,
        Root = string.Create(CultureInfo.InvariantCulture, $"{salt:x8}{step:x16}{rank:x8}"),
        NanCount = nans,
        InfCount = 0,
        NonFiniteTensors = nans > 0 ? ["layer.weight"] : [],
    };

    /// <summary>A fault of a copy in the memory of node-1.</summary>
    public static CopyFault Fault(string message, CopyFaultKind kind = CopyFaultKind.Corrupt, string? node = "node-1") =>
        new() { Kind = kind, Rank = new Rank(0), Tier = Tier.Memory, Node = node, Message = message };

    public Decision<T> Send<T>(RunCommand<T> command)
        where T : class
    {
        var decision = State.Decide(command, Now);
        var events = decision.Events.Take(KeepEvents ?? int.MaxValue).ToList();
        Journal.AddRange(RunEventCodec.Encode(Run, events));
        events.ForEach(State.Apply);

        Now += TimeSpan.FromMilliseconds(7);
        return decision;
    }

    public T Accepted<T>(RunCommand<T> command)
        where T : class
    {
        var decision = Send(command);
        Assert.True(decision.Refusal is null, decision.Refusal?.ToString());
        return decision.Answer!;
    }

    public Refusal Refused<T>(RunCommand<T> command, ErrorCode code)
        where T : class
    {
        var decision = Send(command);
        Assert.Equal(code, decision.Refusal?.Code);
        Assert.Null(decision.Answer);
        return decision.Refusal!;
    }

    public static JoinRank JoinOf(
        string incarnation, int rank, int worldSize, string? node = null, IReadOnlyList<Holding>? holdings = null,
        string instance = "i1") => new(new JoinRun
        {
            Incarnation = incarnation,
            Rank = new Rank(rank),
            WorldSize = worldSize,
            Agent = new AgentPresence
            {
                Node = node ?? NodeOf(rank),
                Instance = instance,
                Address = $"http://{node ?? NodeOf(rank)}:7071",
                Holdings = holdings ?? [],
            },
        });

    public JoinResult Join(string incarnation, int rank, int worldSize) =>
        Accepted(JoinOf(incarnation, rank, worldSize, null, Memory.GetValueOrDefault(NodeOf(rank))));

    /// <summary>All ranks join, with what their agents hold.</summary>
    public RecoveryPlan Start(string incarnation, int worldSize)
    {
        JoinResult? last = null;
        for (var rank = 0; rank < worldSize; rank++)
        {
            last = Join(incarnation, rank, worldSize);
        }

        Assert.Equal(JoinState.Granted, last!.State);
        return last.Plan!;
    }

    public RecordSnapshot SealOf(long step, int rank, bool durable = true, SealedImage? image = null) => new(new SnapshotReport
    {
        Attempt = Attempt,
        Step = new Step(step),
        Rank = new Rank(rank),
        Node = NodeOf(rank),
        Outcome = SnapshotOutcome.Sealed,
        Durable = durable,
        Image = image ?? Image(rank, step),
    });

    public void Seal(long step, int rank, bool durable = true, SealedImage? image = null)
    {
        Accepted(SealOf(step, rank, durable, image));
        Hold(rank, new CheckpointId(new Step(step), Attempt), image ?? Image(rank, step));
    }

    public void SealAll(long step, int worldSize, bool durable = true)
    {
        for (var rank = 0; rank < worldSize; rank++)
        {
            Seal(step, rank, durable);
        }
    }

    public void Hold(int rank, CheckpointId checkpoint, SealedImage image, string? node = null)
    {
        var of = node ?? NodeOf(rank);
        Memory.TryAdd(of, []);
        Memory[of].Add(new Holding { Run = Run, Rank = new Rank(rank), Checkpoint = checkpoint, Image = image });
    }

    public RecordSnapshot RefusalOf(
        long step, int rank, bool durable = true, SnapshotOutcome outcome = SnapshotOutcome.Refused) => new(new SnapshotReport
        {
            Attempt = Attempt,
            Step = new Step(step),
            Rank = new Rank(rank),
            Node = NodeOf(rank),
            Outcome = outcome,
            Durable = durable,
            Reason = "no free slot",
        });

    public RecordShard ShardOf(CheckpointId checkpoint, int rank, SealedImage? image = null, char index = 'a') => new(new ShardReport
    {
        Attempt = Attempt,
        Checkpoint = checkpoint,
        Rank = new Rank(rank),
        IndexSha256 = new string(index, 64),
        IndexBytes = 100,
        Image = image ?? Image(rank, checkpoint.Step.Value),
        StoredBytes = 900,
        PackBytes = 800,
        DrainMs = 12.5,
    });

    public void StoreAll(CheckpointId checkpoint, int worldSize)
    {
        for (var rank = 0; rank < worldSize; rank++)
        {
            Accepted(ShardOf(checkpoint, rank));
        }
    }

    /// <summary>Seals, stores and commits a step of the current attempt.</summary>
    public CheckpointId Commit(long step, int worldSize)
    {
        var checkpoint = new CheckpointId(new Step(step), Attempt);
        SealAll(step, worldSize);
        StoreAll(checkpoint, worldSize);
        Accepted(new CompleteCommit(checkpoint));
        return checkpoint;
    }

    public RecordSteps StepsOf(params StepReport[] reports) => new(new ReportSteps { Attempt = Attempt, Reports = reports });

    public static StepReport StepOf(long step, double loss = 1.5) =>
        new() { Step = new Step(step), Loss = loss + step, GradNorm = 0.25, RngDigest = "d" };

    public ReportStepsResult Report(long first, long last) =>
        Accepted(StepsOf([.. Enumerable.Range((int)first, (int)(last - first + 1)).Select(step => StepOf(step))]));

    /// <summary>A verification that found everything as it was sealed.</summary>
    public static VerificationReport Verified() => new()
    {
        Outcome = VerificationOutcome.Good,
        By = VerifiedBy.Operator,
        StartedAt = new DateTimeOffset(2026, 1, 2, 3, 0, 0, TimeSpan.Zero),
        Seconds = 1.5,
        Shards = 1,
        Packs = 2,
        Chunks = 3,
        Bytes = 4000,
        BytesRead = 4000,
        UnreadBytes = 0,
        Findings = [],
        FindingCount = 0,
    };

    /// <summary>One that found a pack of rank 0 bad.</summary>
    public static VerificationReport Damaged(VerifiedBy by = VerifiedBy.Scrub) => Verified() with
    {
        Outcome = VerificationOutcome.Damaged,
        By = by,
        Findings = [Finding(VerificationFindingKind.Corrupt)],
        FindingCount = 1,
    };

    /// <summary>One in an outage.</summary>
    public static VerificationReport Unreadable() => Verified() with
    {
        Outcome = VerificationOutcome.Incomplete,
        UnreadBytes = 1000,
        Findings = [Finding(VerificationFindingKind.Unreadable)],
        FindingCount = 1,
        Stopped = "the last 16 reads failed",
    };

    public static VerificationFinding Finding(VerificationFindingKind kind) => new()
    {
        Kind = kind,
        Key = "runs/sft-demo/packs/000000000010.000001/000000-000000.pack",
        Detail = "has 1 chunk that is not what was sealed (first chunk 7 of rank 0)",
        Ranks = [new Rank(0)],
        RankCount = 1,
        Tensors = ["layer.weight"],
        TensorCount = 1,
        Bytes = 1000,
    };

    public CheckpointSummary Checkpoint(CheckpointId checkpoint) => State.FindCheckpoint(checkpoint)!;

    public static byte[] BytesOf(RunState state) => SavedRunCodec.Encode([state.ToSnapshot()], repository: null);

    /// <summary>The state as a restarted service has it: <paramref name="saved"/>, or nothing, and the entries after it.</summary>
    public RunState Replay(byte[]? saved = null, int after = 0)
    {
        var state = saved is null
            ? new RunState(Run, new RunOptions())
            : RunState.FromSnapshot(SavedRunCodec.Decode(saved).Runs[0], new RunOptions());
        foreach (var happened in Journal.Skip(after).SelectMany(entry => RunEventCodec.Decode(entry).Events))
        {
            state.Apply(happened);
        }

        return state;
    }

    public void Crash() => State = Replay();
}
