using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;
using Checkpointer.Formats.Resharding;

namespace Checkpointer.Agent.Restoring;

/// <summary>
/// What lies behind a rank's stored prefix: slices that other ranks hold too and one of them stores. Made from their
/// images, it must hash to what this rank sealed, because replicas are bit for bit the same.
/// </summary>
internal sealed class ReplicaImageSource(CheckpointReaders readers, Rank rank) : IImageSource
{
    private Layout? _layout;
    private List<ByteCopy> _copies = [];

    private ImageReader Own => readers.Get(rank);

    public string Description => "the ranks that store its replicated tensors";

    public SourceKind Kind => SourceKind.Replicas;

    public async Task<ImageFacts?> OpenAsync(CancellationToken cancellationToken)
    {
        var layout = await Own.ReadLayoutAsync(cancellationToken);
        if (layout.StoredBytes < layout.ImageBytes)
        {
            var facts = await Own.OpenAsync(cancellationToken);
            var from = (long)facts.Geometry.CountIn(layout.StoredBytes) * facts.Geometry.ChunkBytes;
            var plan = ReshardingPlan.Create(
                layout, rank, await readers.ReadLayoutsAsync(cancellationToken), storedOnly: true);
            _copies = [.. plan.Copies.Where(copy => copy.TargetOffset + copy.Length > from)];
        }

        _layout = layout;
        return null;
    }

    public Task<Layout> ReadLayoutAsync(CancellationToken cancellationToken) =>
        throw new InvariantViolationException("Replicas have layouts of their own.");

    public bool Has(int chunk) => Own.Facts!.Geometry.OffsetOf(chunk) >= _layout!.StoredBytes;

    public async Task ReadAsync(int first, int count, Memory<byte> destination, CancellationToken cancellationToken)
    {
        var start = Own.Facts!.Geometry.OffsetOf(first);
        await readers.NewCopier().CopyAsync(
            Within(start, start + destination.Length),
            (offset, length) => destination.Slice((int)(offset - start), length),
            cancellationToken);
    }

    /// <summary>The copies that make the bytes from <paramref name="start"/> to <paramref name="end"/>, cut at both.</summary>
    private IEnumerable<ByteCopy> Within(long start, long end)
    {
        var (low, high) = (0, _copies.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = _copies[middle].TargetOffset + _copies[middle].Length <= start ? (middle + 1, high) : (low, middle);
        }

        for (; low < _copies.Count && _copies[low].TargetOffset < end; low++)
        {
            var copy = _copies[low];
            var skip = Math.Max(0, start - copy.TargetOffset);
            var stop = Math.Min(copy.Length, end - copy.TargetOffset);
            yield return copy with
            {
                SourceOffset = copy.SourceOffset + skip,
                TargetOffset = copy.TargetOffset + skip,
                Length = stop - skip,
            };
        }
    }
}
