namespace Checkpointer.Contracts.Runs;

/// <summary>A page of a listing.</summary>
/// <typeparam name="T">Element type.</typeparam>
public sealed record Page<T>
{
    /// <summary>The elements of this page, in the listing's documented order.</summary>
    public required IReadOnlyList<T> Items { get; init; }

    /// <summary>Pass as <c>after</c> for the next page; null when this is the last.</summary>
    public string? Next { get; init; }
}
