namespace Checkpointer.Service.Runs.Events;

/// <summary>A rank was not let in because its agent uses another store. Changes nothing but the incidents.</summary>
internal sealed record StoreMismatched : RunEvent
{
    /// <summary>The agent's node.</summary>
    public required string Node { get; init; }
}
