using System.Text.Json.Serialization;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Service.Runs.Snapshots;

/// <summary>A step that ranks seal in memory.</summary>
internal sealed class SnapshotRecord
{
    /// <summary>The step and the attempt that captured it.</summary>
    public required CheckpointId Checkpoint { get; init; }

    /// <summary>The image of each rank that has sealed it; null for the others. One element a rank of its world.</summary>
    public required ImageFacts?[] Images { get; init; }

    /// <summary>How many ranks have sealed it: the images that aren't null.</summary>
    public int SealedRanks { get; set; }

    /// <summary>Bytes of the sealed images together.</summary>
    public long ImageBytes { get; set; }

    /// <summary>Ranks whose image is not finite; at most <see cref="RunLimits.MaxNamedRanks"/>.</summary>
    public required List<Rank> NonFiniteRanks { get; init; }

    /// <summary>What rank 0 saved as the place in the data; null if it saved none, or has not sealed it yet.</summary>
    public string? DataCursor { get; set; }

    /// <summary>Whether every rank has sealed it.</summary>
    [JsonIgnore]
    public bool IsGlobal => SealedRanks == Images.Length;

    /// <summary>A copy that shares nothing that changes.</summary>
    public SnapshotRecord Copy() => new()
    {
        Checkpoint = Checkpoint,
        Images = [.. Images],
        SealedRanks = SealedRanks,
        ImageBytes = ImageBytes,
        DataCursor = DataCursor,
        NonFiniteRanks = [.. NonFiniteRanks],
    };

    /// <summary>The ranks that have not sealed it, the first <see cref="RunLimits.MaxNamedRanks"/>.</summary>
    public List<Rank> MissingRanks() =>
    [
        .. Enumerable.Range(0, Images.Length).Where(rank => Images[rank] is null)
            .Take(RunLimits.MaxNamedRanks).Select(rank => new Rank(rank)),
    ];
}
