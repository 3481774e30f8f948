using Checkpointer.Agent.Stores;
using Checkpointer.Storage.Repository;
using Checkpointer.TestKit.Faults;
using Checkpointer.TestKit.Stores;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Checkpointer.Agent.Tests.Stores;

public sealed class AgentRepositoryTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly MemoryObjectStore _memory = new(TimeProvider.System);
    private readonly AgentRepository _repository;
    private volatile StoreFault _fault = StoreFault.None;

    public AgentRepositoryTests() => _repository = new AgentRepository(
        new FaultInjectingObjectStore(_memory, (_, _) => _fault, _time), _time, NullLogger<AgentRepository>.Instance);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _repository.Dispose();

    [Fact]
    public async Task Refresh_StoreHangs_ReturnsWhenItsTimeIsUp()
    {
        _fault = StoreFault.Hang;
        var refresh = _repository.RefreshAsync(TimeSpan.FromMilliseconds(800), Cancel);
        _time.Advance(TimeSpan.FromMilliseconds(799));
        Assert.False(refresh.IsCompleted);

        _time.Advance(TimeSpan.FromMilliseconds(1));

        await refresh.WaitAsync(TimeSpan.FromSeconds(20), Cancel);
        Assert.Null(_repository.Presence);
        await _repository.RefreshAsync(TimeSpan.Zero, Cancel).WaitAsync(TimeSpan.FromSeconds(20), Cancel);
    }

    [Fact]
    public async Task Refresh_CallerGivesUp_IsCancelled()
    {
        _fault = StoreFault.Hang;
        using var caller = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var refresh = _repository.RefreshAsync(TimeSpan.FromSeconds(1), caller.Token);

        await caller.CancelAsync();

        _ = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => refresh.WaitAsync(TimeSpan.FromSeconds(20), Cancel));
    }

    [Fact]
    public async Task Refresh_RepositoryWasMadeSinceTheLastLook_SeesIt()
    {
        await _repository.RefreshAsync(TimeSpan.FromSeconds(1), Cancel);
        Assert.Null(_repository.Presence!.Repository);
        var made = await RepositoryIdentity.EnsureAsync(_memory, new Random(1), Cancel);

        await _repository.RefreshAsync(TimeSpan.FromSeconds(1), Cancel);

        Assert.Equal(made.Id, _repository.Presence!.Repository);
    }
}
