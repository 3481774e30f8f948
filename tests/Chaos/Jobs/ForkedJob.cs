using System.Globalization;
using Checkpointer.Chaos.Worlds;
using Checkpointer.Cli.Local;

namespace Checkpointer.Chaos.Jobs;

/// <summary>The job under a launcher that loses no time: ranks are forked, and restarted as soon as one is gone.</summary>
internal sealed class ForkedJob(ChaosWorld world, string run, TrainingArguments arguments) : IJob
{
    private const int Places = 2;
    private const int RanksPerPlace = 2;

    private readonly ChaosNode?[] _places = new ChaosNode?[Places];
    private readonly HashSet<int> _abandoned = [];
    private List<ForkedRank> _ranks = [];
    private int _starts;

    /// <inheritdoc/>
    public string Run => run;

    /// <inheritdoc/>
    public string Output { get; } = world.Workspace.Output(run);

    /// <inheritdoc/>
    public bool IsOver { get; private set; }

    /// <inheritdoc/>
    public bool CanReplaceNodes => true;

    /// <inheritdoc/>
    public IReadOnlyDictionary<int, (ChaosNode Node, int Pid)> Ranks => _ranks
        .Select((rank, i) => (Rank: i, Node: _places[i / RanksPerPlace]!, rank.Pid, rank.Ended))
        .Where(rank => !rank.Ended.IsCompleted)
        .ToDictionary(rank => rank.Rank, rank => (rank.Node, rank.Pid));

    /// <inheritdoc/>
    public async Task TickAsync(CancellationToken cancellationToken)
    {
        if (IsOver || (_ranks.Count > 0 && _ranks.TrueForAll(rank => rank.Ended is { IsCompleted: true, Result: 0 })))
        {
            IsOver = true;
            return;
        }

        if (_ranks.Count == 0 || _ranks.Exists(IsLost))
        {
            await StopRanksAsync();
            await LaunchAsync(cancellationToken);
        }
    }

    /// <inheritdoc/>
    public void Abandon(IReadOnlyCollection<int> pids) => _abandoned.UnionWith(pids);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await StopRanksAsync();
        foreach (var pid in _abandoned)
        {
            _ = await Signals.KillAsync(pid);
        }
    }

    private bool IsLost(ForkedRank rank) =>
        _abandoned.Contains(rank.Pid) || (rank.Ended.IsCompleted && rank.Ended.Result != 0);

    // As a scheduler does with the rest of a job: at once, and not the ones that it cannot reach.
    private async Task StopRanksAsync()
    {
        foreach (var rank in _ranks.Where(rank => !_abandoned.Contains(rank.Pid) && !rank.Ended.IsCompleted))
        {
            _ = await Signals.KillAsync(rank.Pid);
        }

        _ranks = [];
    }

    private async Task LaunchAsync(CancellationToken cancellationToken)
    {
        if (!Place())
        {
            return;
        }

        var port = Ports.Free(1)[0];
        _starts++;
        var ranks = new List<ForkedRank>();
        for (var rank = 0; rank < Places * RanksPerPlace; rank++)
        {
            var order = new ForkOrder(
                EnvironmentOf(rank, port), arguments.For(Output), world.Workspace.Log($"{run}-rank-{rank}"));
            var started = await ForkedRank.StartAsync(_places[rank / RanksPerPlace]!.ForkSocket, order, cancellationToken);
            if (started is null)
            {
                break; // its node died meanwhile
            }

            ranks.Add(started);
        }

        _ranks = ranks;
        if (ranks.Count < Places * RanksPerPlace)
        {
            await StopRanksAsync();
        }
    }

    /// <summary>Finds a node for each place: the one that it had if that is up, else one that has no other place.</summary>
    private bool Place()
    {
        for (var place = 0; place < Places; place++)
        {
            if (_places[place] is not { IsUp: true })
            {
                _places[place] = world.Nodes.FirstOrDefault(node => node.IsUp && !_places.Contains(node));
            }
        }

        return _places.All(node => node is not null);
    }

    private Dictionary<string, string> EnvironmentOf(int rank, int port) => new()
    {
        ["CHECKPOINTER_RUN"] = run,
        ["CHECKPOINTER_AGENT_SOCKET"] = _places[rank / RanksPerPlace]!.Local.AgentSocket,
        ["MASTER_ADDR"] = "127.0.0.1",
        ["MASTER_PORT"] = port.ToString(CultureInfo.InvariantCulture),
        ["WORLD_SIZE"] = (Places * RanksPerPlace).ToString(CultureInfo.InvariantCulture),
        ["RANK"] = rank.ToString(CultureInfo.InvariantCulture),
        ["LOCAL_RANK"] = (rank % RanksPerPlace).ToString(CultureInfo.InvariantCulture),
        ["TORCHELASTIC_RESTART_COUNT"] = (_starts - 1).ToString(CultureInfo.InvariantCulture),
    };
}
