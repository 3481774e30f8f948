using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Layouts;

namespace Checkpointer.Agent.Restoring;

/// <summary>A source of the plan that is gone by now: it has nothing but the reason, which becomes a fault of the restore.</summary>
internal sealed class DeadImageSource(string description, SourceKind kind, string? node, string reason) : IImageSource
{
    public string Description => description;

    public SourceKind Kind => kind;

    public string? Node => node;

    public Task<ImageFacts?> OpenAsync(CancellationToken cancellationToken) => Task.FromException<ImageFacts?>(Gone());

    public Task<Layout> ReadLayoutAsync(CancellationToken cancellationToken) => Task.FromException<Layout>(Gone());

    public bool Has(int chunk) => false;

    public Task ReadAsync(int first, int count, Memory<byte> destination, CancellationToken cancellationToken) =>
        Task.FromException(Gone());

    private CheckpointerException Gone() => new(ErrorCode.NotFound, reason);
}
