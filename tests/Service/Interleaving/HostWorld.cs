using System.Diagnostics.Metrics;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Agents;
using Checkpointer.Service.Coordination;
using Checkpointer.Service.Journal;
using Checkpointer.Service.Runs;
using Checkpointer.Service.Telemetry;
using Checkpointer.Service.Tests.Driving;
using Checkpointer.Service.Tests.Runs;
using Checkpointer.TestKit.Interleaving;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Checkpointer.Service.Tests.Interleaving;

/// <summary>
/// The real host of runs on a scripted journal, restarted whenever it dies, and what it has acknowledged. Checks that an
/// answer rests on durable entries only, that nothing acknowledged is lost, and that the state is what the journal folds to.
/// </summary>
internal sealed class HostWorld : IDisposable
{
    private static readonly RunId Run = RunDriver.Run;

    private readonly Schedule _schedule;
    private readonly NoMeters _meters = new();
    private readonly List<(Task Call, long RestsOn, ScriptedJournal Journal)> _calls = [];
    private readonly SortedDictionary<int, string> _incarnationOf = [];
    private readonly HashSet<CheckpointId> _committed = [];
    private readonly HashSet<(CheckpointId Checkpoint, Rank Rank)> _shards = [];
    private readonly Dictionary<Attempt, Step> _steps = [];
    private long _rollbacks;

    public HostWorld(Schedule schedule)
    {
        _schedule = schedule;
        Journal = new ScriptedJournal([], []);
        Host = Start();
    }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));

    public ScriptedJournal Journal { get; private set; }

    public RunHost Host { get; private set; }

    public int Deaths { get; private set; }

    /// <summary>A snapshot is never taken of nothing new.</summary>
    public long SavedUpTo { get; set; }

    public void Dispose() => _meters.Dispose();

    /// <summary>The process dies; the next one finds what was durable and perhaps more.</summary>
    public void Die()
    {
        var survivors = Journal.Survivors(_schedule.Next(4));
        _schedule.Note($"dies: {Journal.Durable} of {Journal.LastSequence} durable, {survivors.LastSequence} found");
        Deaths++;
        Journal = survivors;
        Host = Start();
        SavedUpTo = Journal.LastSequence;
        CheckKept();
    }

    /// <summary>One call, repeated until a living host answers it; <paramref name="refused"/> gets its refusal.</summary>
    public IEnumerable<Func<bool>?> Ask<T>(Func<RunHost, Task<T>> call, Action<T> answered, Action<CheckpointerException>? refused = null)
    {
        while (true)
        {
            var (host, journal) = (Host, Journal);
            var task = call(host);
            _calls.Add((task, journal.LastSequence, journal));
            yield return () => task.IsCompleted || host != Host;
            if (host == Host && task.IsCompletedSuccessfully)
            {
                answered(task.Result);
                yield break;
            }

            if (host == Host && task.Exception?.InnerException is CheckpointerException { Code: not ErrorCode.ServiceUnavailable } refusal)
            {
                refused?.Invoke(refusal);
                yield break;
            }

            // Dead or dying: it is asked again of the next one.
            yield return () => host != Host;
        }
    }

    public void Granted(string incarnation, Attempt attempt)
    {
        if (_incarnationOf.TryGetValue(attempt.Value, out var other))
        {
            Assert.Equal(other, incarnation);
        }

        _incarnationOf[attempt.Value] = incarnation;
    }

    public void Committed(CheckpointId checkpoint) => _committed.Add(checkpoint);

    public void Stored(CheckpointId checkpoint, Rank rank) => _shards.Add((checkpoint, rank));

    public void Reported(Attempt attempt, Step step) => _steps[attempt] = step;

    public void RolledBack(Rollback rollback) => _rollbacks = Math.Max(_rollbacks, rollback.Number);

    /// <summary>After each step.</summary>
    public void Check()
    {
        _calls.RemoveAll(call =>
        {
            if (!call.Call.IsCompleted)
            {
                Assert.False(call.Journal.HasFailed, "A call still waits although the journal has failed.");
                return false;
            }

            if (call.Call.IsCompletedSuccessfully)
            {
                Assert.True(call.Journal.Durable >= call.RestsOn, $"Answered at {call.Journal.Durable}, but it rests on {call.RestsOn}.");
            }
            else if (!call.Call.IsCanceled)
            {
                var error = Assert.IsType<CheckpointerException>(call.Call.Exception!.InnerException);
                Assert.True(error.Code != ErrorCode.ServiceUnavailable || call.Journal.HasFailed, error.Message);
            }

            return true;
        });
        Assert.Equal(!Journal.HasFailed, Host.IsReady);
    }

    /// <summary>The state is what a fold of the whole journal gives, whatever snapshots it went through.</summary>
    public void CheckFold()
    {
        Journal.Commit(Journal.LastSequence);
        var folded = new RunState(Run, new RunOptions { CheckpointDeadline = RunningService.Options("/unused").CheckpointDeadline });
        foreach (var happened in Journal.Entries.SelectMany(entry => RunEventCodec.Decode(entry.Payload.Span).Events))
        {
            folded.Apply(happened);
        }

        var (exists, live) = Read(RunDriver.BytesOf);
        Assert.True(exists ? live.AsSpan().SequenceEqual(RunDriver.BytesOf(folded)) : Journal.LastSequence == 0, "The state is not what the journal says.");
    }

    private (bool Exists, T Value) Read<T>(Func<RunState, T> query)
    {
        var read = Host.TryReadAsync(Run, query, CancellationToken.None);
        Assert.True(read.IsCompletedSuccessfully, "All is durable, and a read waits.");
        return read.Result!;
    }

    /// <summary>What was acknowledged is there.</summary>
    private void CheckKept()
    {
        CheckFold();
        if (_incarnationOf.Count == 0)
        {
            return;
        }

        _ = Read(state =>
        {
            Assert.True(state.CurrentAttempt?.Value >= _incarnationOf.Keys.Last(), "A granted attempt is forgotten.");
            Assert.All(_committed, checkpoint => Assert.Equal(CheckpointState.Committed, state.FindCheckpoint(checkpoint)?.State));
            Assert.All(_shards, shard => Assert.NotNull(state.FindCheckpoint(shard.Checkpoint)));
            Assert.True(
                !_steps.TryGetValue(state.CurrentAttempt!.Value, out var step) || state.Ledger.NewestOf(state.CurrentAttempt.Value) >= step,
                "A reported step is forgotten.");
            Assert.True(state.Rollbacks.Total >= _rollbacks, "A rollback is forgotten.");
            return true;
        });
    }

    private RunHost Start()
    {
        var options = RunningService.Options("/unused");
        var journal = Journal;
        var host = new RunHost(
            _ => Task.FromResult<IJournal>(journal),
            options,
            new RunChanges(),
            Time,
            new ServiceMetrics(_meters, new AgentRegistry(options, Time)),
            NullLogger<RunHost>.Instance);
        var started = host.StartAsync(CancellationToken.None);
        Assert.True(started.IsCompletedSuccessfully, started.Exception?.ToString());
        return host;
    }

    private sealed class NoMeters : IMeterFactory
    {
        private readonly List<Meter> _meters = [];

        public Meter Create(MeterOptions options)
        {
            _meters.Add(new Meter(options));
            return _meters[^1];
        }

        public void Dispose() => _meters.ForEach(meter => meter.Dispose());
    }
}
