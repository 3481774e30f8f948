using Checkpointer.Agent.Arenas;
using Checkpointer.Agent.Hosting;
using Checkpointer.Agent.Reporting;
using Checkpointer.Agent.Restoring;
using Checkpointer.Agent.Stores;
using Checkpointer.Contracts.Agents;
using Checkpointer.Contracts.Runs;
using Checkpointer.Contracts.Trainers;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Agent.Joining;

/// <summary>Brings a rank's join to the service, with what this agent holds, and takes in what is granted.</summary>
internal sealed class Joiner(
    ServiceClient service,
    AgentIdentity identity,
    NodeArenas arenas,
    Grants grants,
    AgentRepository repository,
    RestoreJobs restores,
    RetryPause pause,
    TimeProvider time)
{
    /// <summary>Longest that a trainer may ask a call to be held, in milliseconds.</summary>
    public const int MaxWaitMs = 30_000;

    private static readonly TimeSpan QuickLook = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Joins, held at most <see cref="JoinRequest.WaitMs"/>. While the service is away it is tried again until then;
    /// after that the answer is <c>service_unavailable</c>, transient: the rank calls again.
    /// </summary>
    public async Task<JoinResponse> JoinAsync(
        RunId run, Rank rank, JoinRequest request, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        for (var failures = 0; ; failures++)
        {
            // Before each try: the service makes the repository when it comes up, which may be what this join waits for.
            await repository.RefreshAsync(Left(request, started), cancellationToken);
            var left = Left(request, started);
            var body = Body(run, rank, request, left);
            try
            {
                return Answer(run, rank, request, await service.JoinAsync(run, body, cancellationToken));
            }
            catch (CheckpointerException e) when (e.IsTransient && pause.Length(failures) < left)
            {
                await pause.WaitAsync(failures, cancellationToken);
            }
            catch (CheckpointerException e) when (e.Code == ErrorCode.StoreMismatch && body.Agent.Store is { Repository: null })
            {
                // Was it made after this agent had looked?
                await repository.RefreshAsync(QuickLook, cancellationToken);
                if (repository.Presence is not { Repository: not null })
                {
                    throw;
                }
            }
        }
    }

    private TimeSpan Left(JoinRequest request, long started)
    {
        var left = TimeSpan.FromMilliseconds(request.WaitMs) - time.GetElapsedTime(started);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    private JoinRun Body(RunId run, Rank rank, JoinRequest request, TimeSpan left) => new()
    {
        Incarnation = request.Incarnation,
        Rank = rank,
        WorldSize = request.WorldSize,
        Agent = new AgentPresence
        {
            Node = identity.Node,
            Instance = identity.Instance,
            Address = identity.Address,
            Holdings = [.. arenas.Holdings.Where(holding => holding.Run == run)],
            Store = repository.Presence,
            Domain = identity.Domain,
        },
        WaitMs = (int)Math.Max(0, left.TotalMilliseconds),
    };

    private JoinResponse Answer(RunId run, Rank rank, JoinRequest request, JoinResult result)
    {
        if (result is { State: JoinState.Granted, Attempt: { } attempt, Plan: { } plan })
        {
            grants.Add(new Grant(run, rank, request.WorldSize, attempt, plan));
            restores.EndOlder(run, rank, attempt);
            arenas.Observe(new RunProgress { Run = run, Attempt = attempt, Plan = plan.Number, ResumedFrom = plan.ResumeFrom, GivenUp = [], Peer = result.Peer });
        }

        return new JoinResponse
        {
            State = result.State,
            JoinedRanks = result.JoinedRanks,
            Attempt = result.Attempt,
            ResumeFrom = result.Plan?.ResumeFrom,
            Node = identity.Node,
            AgentInstance = identity.Instance,
        };
    }
}
