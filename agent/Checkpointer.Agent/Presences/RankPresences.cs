using Checkpointer.Agent.Hosting;
using Checkpointer.Agent.Joining;
using Checkpointer.Contracts.Agents;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Microsoft.Extensions.Hosting;

namespace Checkpointer.Agent.Presences;

/// <summary>The trainers that are connected, and what follows when one is not any more. Thread-safe.</summary>
internal sealed class RankPresences(
    Grants grants, FailureReports reports, AgentIdentity identity, IHostApplicationLifetime lifetime, TimeProvider time)
{
    private static readonly TimeSpan ReturnPatience = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan ReturnPause = TimeSpan.FromMilliseconds(20);
    private readonly Lock _gate = new();
    private readonly Dictionary<(RunId, Rank), RankPresence> _present = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when a trainer connects or leaves: the service is told without waiting for the next heartbeat.</summary>
    public Task Changed
    {
        get
        {
            lock (_gate)
            {
                return _changed.Task;
            }
        }
    }

    /// <summary>The connected ranks. One agent serves at most <see cref="Reporting.Outboxes.MaxRanks"/>; more are not named.</summary>
    public IReadOnlyList<RankActivity> Ranks
    {
        get
        {
            lock (_gate)
            {
                return [.. _present.Values.Take(Reporting.Outboxes.MaxRanks).Select(presence => presence.Describe())];
            }
        }
    }

    /// <summary>A rank's trainer has connected. A newer connection of the same rank takes the place of an older one.</summary>
    public RankPresence Open(RunId run, Rank rank, Attempt attempt, int? pid)
    {
        _ = grants.Require(run, rank, attempt);
        var presence = new RankPresence(run, rank, attempt, pid, time);
        lock (_gate)
        {
            _present[(run, rank)] = presence;
        }

        Pulse();
        return presence;
    }

    /// <summary>
    /// The connection is over. <paramref name="error"/>: with a goodbye, the exception that ends the trainer, if one does.
    /// Nothing is reported of a trainer that took its leave, that has another connection by now, or while this agent stops.
    /// </summary>
    public async Task CloseAsync(RankPresence presence, bool goodbye, string? error)
    {
        lock (_gate)
        {
            if (!_present.TryGetValue((presence.Run, presence.Rank), out var current) || current != presence)
            {
                return;
            }

            _ = _present.Remove((presence.Run, presence.Rank));
        }

        Pulse();
        if ((goodbye && error is null) || lifetime.ApplicationStopping.IsCancellationRequested)
        {
            return;
        }

        if (!goodbye && await CameBackAsync(presence))
        {
            return;
        }

        reports.Add(presence.Run, new FailureReport
        {
            Attempt = presence.Attempt,
            Rank = presence.Rank,
            Node = identity.Node,
            Card = presence.Describe().Card,
            Kind = goodbye ? FailureKind.Raised : FailureKind.Died,
            Evidence = Evidence(goodbye ? $"it ends with {error}" : ProcessFate.Describe(presence.Pid), LastWords(presence)),
            At = time.GetUtcNow(),
        });
    }

    /// <summary>
    /// Whether the trainer of a broken connection has another one by now. Waits for that only while its process shows no sign
    /// of ending: a kill must be known at once.
    /// </summary>
    private async Task<bool> CameBackAsync(RankPresence presence)
    {
        var began = time.GetTimestamp();
        while (true)
        {
            lock (_gate)
            {
                if (_present.ContainsKey((presence.Run, presence.Rank)))
                {
                    return true;
                }
            }

            if (!ProcessFate.IsAlive(presence.Pid) || time.GetElapsedTime(began) > ReturnPatience)
            {
                return false;
            }

            await Task.Delay(ReturnPause, time, lifetime.ApplicationStopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (lifetime.ApplicationStopping.IsCancellationRequested)
            {
                return true;
            }
        }
    }

    // What it said of its end gives way: the service takes no more than so much.
    private static string Evidence(string what, string lastWords) =>
        string.Concat(what.AsSpan(0, Math.Min(what.Length, FailureReport.MaxEvidenceLength - lastWords.Length)), lastWords);

    private static string LastWords(RankPresence presence) =>
        presence.Describe().LastStep is { } step ? $"; its last step was {step}." : "; it had completed no step.";

    private void Pulse()
    {
        TaskCompletionSource changed;
        lock (_gate)
        {
            (changed, _changed) = (_changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        changed.SetResult();
    }
}
