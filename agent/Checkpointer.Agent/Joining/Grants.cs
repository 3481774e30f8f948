using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Agent.Joining;

/// <summary>
/// The grants of this node's ranks, in memory only: after a restart of the agent the ranks join again and the service
/// repeats itself. Thread-safe.
/// </summary>
internal sealed class Grants
{
    /// <summary>Most runs that are named to the service, as the contract has it.</summary>
    public const int MaxRuns = 1024;

    private readonly Lock _gate = new();
    private readonly Dictionary<(RunId, Rank), Grant> _grants = [];
    private readonly Dictionary<RunId, Attempt> _newest = [];
    private readonly Dictionary<RunId, Attempt> _fenced = [];

    /// <summary>Runs that ranks of this node have an attempt of, the newest <see cref="MaxRuns"/>.</summary>
    public IReadOnlyList<RunId> Runs
    {
        get
        {
            lock (_gate)
            {
                return [.. _grants.Keys.Select(key => key.Item1).Distinct().TakeLast(MaxRuns)];
            }
        }
    }

    /// <summary>Takes in a grant; an older one than is known changes nothing.</summary>
    public void Add(Grant grant)
    {
        lock (_gate)
        {
            if (!_newest.TryGetValue(grant.Run, out var newest) || newest <= grant.Attempt)
            {
                _newest[grant.Run] = grant.Attempt;
                _grants[(grant.Run, grant.Rank)] = grant;
            }
        }
    }

    /// <summary>
    /// The service says that <paramref name="attempt"/> is the run's current one: older ones are fenced out, and if the run was
    /// rolled back (<paramref name="fenced"/>) that one too.
    /// </summary>
    public void Observe(RunId run, Attempt attempt, bool fenced)
    {
        lock (_gate)
        {
            if (fenced && _fenced.GetValueOrDefault(run) < attempt)
            {
                _fenced[run] = attempt;
            }

            if (!_newest.TryGetValue(run, out var newest) || newest < attempt)
            {
                _newest[run] = attempt;
            }
        }
    }

    /// <summary>
    /// The grant under which that rank calls. <c>stale_attempt</c> if a newer attempt is known; <c>not_found</c> if this
    /// process has not seen that rank join, which the rank mends by joining again.
    /// </summary>
    public Grant Require(RunId run, Rank rank, Attempt attempt)
    {
        lock (_gate)
        {
            RefuseStale(run, rank, attempt);
            return _grants.TryGetValue((run, rank), out var grant) && grant.Attempt == attempt
                ? grant
                : throw new CheckpointerException(
                    ErrorCode.NotFound,
                    $"Run {run} rank {rank}: this agent has granted no attempt {attempt} since it started. Join again.");
        }
    }

    /// <summary>The same fence for what another node's agent asks on behalf of that rank: <c>stale_attempt</c>.</summary>
    public void RequireNotStale(RunId run, Rank rank, Attempt attempt)
    {
        lock (_gate)
        {
            RefuseStale(run, rank, attempt);
        }
    }

    private void RefuseStale(RunId run, Rank rank, Attempt attempt)
    {
        if (_newest.TryGetValue(run, out var newest) && attempt < newest)
        {
            throw new CheckpointerException(
                ErrorCode.StaleAttempt,
                $"Run {run} rank {rank}: attempt {attempt} was fenced out; attempt {newest} runs now. This process should end.");
        }

        if (_fenced.TryGetValue(run, out var fenced) && attempt <= fenced)
        {
            throw new CheckpointerException(
                ErrorCode.StaleAttempt,
                $"Run {run} rank {rank}: attempt {attempt} was fenced out because the run was rolled back. This process should end; "
                + "the next start resumes where the run was rolled back to.");
        }
    }
}
