using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs.Commands;
using Checkpointer.Service.Runs.Events;
using Checkpointer.Service.Runs.Lineage;

namespace Checkpointer.Service.Runs.Joining;

/// <summary>What a join comes to: a place at the barrier, the grant if it was the last one missing, or a refusal.</summary>
internal static class JoinDecisions
{
    public static Decision<JoinResult> Decide(RunState state, JoinRun body, DateTimeOffset now)
    {
        if (JoinRequestChecks.Check(body) is { } malformed)
        {
            return Decision<JoinResult>.Refuse(malformed);
        }

        if (state.Attempts.Current is { } current && current.Incarnation == body.Incarnation)
        {
            return DecideRejoin(state, current, body);
        }

        if (state.Barrier.IsPast(body.Incarnation))
        {
            return Decision<JoinResult>.Refuse(
                ErrorCode.IncarnationSuperseded,
                $"Incarnation {body.Incarnation} of run {state.Run} was superseded by a newer one; rank {body.Rank} belongs to a "
                + "rendezvous that is over. Stop this trainer.");
        }

        var pending = state.Barrier.Pending?.Incarnation == body.Incarnation ? state.Barrier.Pending : null;
        return CheckWorld(state, pending, body) is { } mismatch
            ? Decision<JoinResult>.Refuse(mismatch)
            : DecideJoin(state, pending, body, now);
    }

    private static Decision<JoinResult> DecideJoin(
        RunState state, PendingIncarnation? pending, JoinRun body, DateTimeOffset now)
    {
        var events = new List<RunEvent>(2);
        var joined = Describe(state, pending, body, now);
        if (joined is not null)
        {
            events.Add(joined);
            pending = state.Barrier.After(joined);
        }

        if (!pending!.IsComplete())
        {
            return Decision<JoinResult>.Accept(
                new JoinResult { State = JoinState.Pending, JoinedRanks = pending.Ranks.Count }, events);
        }

        var (granted, plan) = GrantDecisions.Decide(state, pending, now);
        events.Add(granted);
        return Decision<JoinResult>.Accept(Granted(granted.Attempt, pending.WorldSize, plan), events);
    }

    // Null if it would change nothing.
    private static RankJoined? Describe(RunState state, PendingIncarnation? pending, JoinRun body, DateTimeOffset now)
    {
        var holdings = JoinRequestChecks.Select(state.Run, body.Agent.Holdings);
        var known = pending?.Agents.GetValueOrDefault(body.Agent.Node);
        var sameHoldings = known is not null && known.Images.SequenceEqual(holdings);
        if (sameHoldings && pending!.Ranks.ContainsKey(body.Rank.Value)
            && known!.Instance == body.Agent.Instance && known.Address == body.Agent.Address)
        {
            return null;
        }

        return new RankJoined
        {
            At = now,
            Incarnation = body.Incarnation,
            Rank = body.Rank,
            WorldSize = body.WorldSize,
            Node = body.Agent.Node,
            Instance = body.Agent.Instance,
            Address = body.Agent.Address,
            Holdings = sameHoldings ? null : holdings,
        };
    }

    private static Refusal? CheckWorld(RunState state, PendingIncarnation? pending, JoinRun body)
    {
        if (pending is null)
        {
            return null;
        }

        if (pending.WorldSize != body.WorldSize)
        {
            return WorldMismatch(state, body, $"says {body.WorldSize} ranks where others said {pending.WorldSize}");
        }

        return pending.Ranks.TryGetValue(body.Rank.Value, out var node) && node != body.Agent.Node
            ? WorldMismatch(state, body, $"joins from node {body.Agent.Node} but joined from node {node} already")
            : null;
    }

    private static Decision<JoinResult> DecideRejoin(RunState state, AttemptRecord current, JoinRun body)
    {
        if (current.WorldSize != body.WorldSize)
        {
            return Decision<JoinResult>.Refuse(
                WorldMismatch(state, body, $"says {body.WorldSize} ranks where others said {current.WorldSize}"));
        }

        if (Fence.Check(state, current.Attempt) is { } fenced)
        {
            return Decision<JoinResult>.Refuse(fenced);
        }

        var node = current.Nodes[body.Rank.Value];
        return node == body.Agent.Node
            ? Decision<JoinResult>.Accept(Granted(current.Attempt, current.WorldSize, state.CurrentPlan!))
            : Decision<JoinResult>.Refuse(
                WorldMismatch(state, body, $"joins from node {body.Agent.Node} but joined from node {node} already"));
    }

    private static JoinResult Granted(Attempt attempt, int worldSize, RecoveryPlan plan) =>
        new() { State = JoinState.Granted, JoinedRanks = worldSize, Attempt = attempt, Plan = plan };

    private static Refusal WorldMismatch(RunState state, JoinRun body, string what) => new(
        ErrorCode.WorldMismatch,
        $"Rank {body.Rank} of incarnation {body.Incarnation} of run {state.Run} {what}. All ranks of one rendezvous must share "
        + "one incarnation, and no other rendezvous may have it: check CHECKPOINTER_INCARNATION.");
}
