using Checkpointer.Cli.Local;

namespace Checkpointer.Benchmarks;

/// <summary>What a scenario works with.</summary>
/// <param name="Cluster">A service and two nodes.</param>
/// <param name="Trainer">The trainer's side.</param>
/// <param name="Workspace">Where their files are.</param>
internal sealed record BenchmarkContext(LocalCluster Cluster, TrainerSide Trainer, LocalWorkspace Workspace)
{
    /// <summary>The node that everything is measured on.</summary>
    public LocalNode Node => Cluster.Nodes[0];
}
