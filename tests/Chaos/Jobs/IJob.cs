using Checkpointer.Chaos.Worlds;

namespace Checkpointer.Chaos.Jobs;

/// <summary>One training job of four ranks on two nodes, started again by its launcher whenever a rank is gone.</summary>
internal interface IJob : IAsyncDisposable
{
    /// <summary>The run.</summary>
    string Run { get; }

    /// <summary>The folder that the trainer writes to.</summary>
    string Output { get; }

    /// <summary>Whether all steps are done.</summary>
    bool IsOver { get; }

    /// <summary>The ranks that run, with their nodes and process ids.</summary>
    IReadOnlyDictionary<int, (ChaosNode Node, int Pid)> Ranks { get; }

    /// <summary>Whether it can run on without a node that is gone.</summary>
    bool CanReplaceNodes { get; }

    /// <summary>Does what a launcher does now and then.</summary>
    Task TickAsync(CancellationToken cancellationToken);

    /// <summary>Starts the world anew without those ranks, which are stopped and stay so for now.</summary>
    void Abandon(IReadOnlyCollection<int> pids);
}
