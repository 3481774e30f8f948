namespace Checkpointer.Service.Stores;

/// <summary>Which repository the service's checkpoints are in, as it is journaled.</summary>
internal sealed record RepositoryChoice
{
    /// <summary>When it was chosen.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The id of the repository.</summary>
    public required string Repository { get; init; }

    /// <summary>The description that its store had then, for people.</summary>
    public required string Store { get; init; }
}
