namespace Checkpointer.Service.Recovery;

/// <summary>A node as the placement of copies sees it.</summary>
/// <param name="Node">Its name.</param>
/// <param name="Address">Where its agent is reached.</param>
/// <param name="Domain">What fails together with it; null: nothing else.</param>
/// <param name="IsAlive">Whether its agent is: only then is it given copies.</param>
internal readonly record struct ReplicaSeat(string Node, string Address, string? Domain, bool IsAlive)
{
    /// <summary>Whether one failure may take both.</summary>
    public bool SharesFate(ReplicaSeat other) => Node == other.Node || (Domain is not null && Domain == other.Domain);
}
