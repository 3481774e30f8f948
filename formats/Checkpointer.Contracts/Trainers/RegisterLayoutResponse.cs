namespace Checkpointer.Contracts.Trainers;

/// <summary>
/// The answer to <c>PUT /v1/runs/{run}/ranks/{rank}/layout?attempt=N</c>, whose body is the layout (a safetensors
/// header, up to 64 MiB). Registering the layout that is registered already changes nothing. Slots are created and
/// pre-faulted in the background from this moment on.
/// </summary>
public sealed record RegisterLayoutResponse
{
    /// <summary>Lower-case hex SHA-256 of the layout.</summary>
    public required string Layout { get; init; }

    /// <summary>Length of an image of this layout in bytes.</summary>
    public required long ImageBytes { get; init; }

    /// <summary>The rank's slots, so that the trainer can map and pre-fault them too.</summary>
    public required IReadOnlyList<SlotLocation> Slots { get; init; }
}
