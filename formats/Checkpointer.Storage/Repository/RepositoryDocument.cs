namespace Checkpointer.Storage.Repository;

/// <summary>The JSON of <c>repository.json</c>.</summary>
internal sealed record RepositoryDocument
{
    public required string Format { get; init; }

    public required int Version { get; init; }

    public required string Id { get; init; }
}
