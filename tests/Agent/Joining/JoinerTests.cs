using Checkpointer.Agent.Tests.Nodes;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Storage;
using Checkpointer.Storage.Repository;

namespace Checkpointer.Agent.Tests.Joining;

public sealed class JoinerTests : IAsyncLifetime
{
    private static readonly CheckpointerException Mismatch = new(ErrorCode.StoreMismatch, "Another store.");

    private Cluster _cluster = null!;

    public async ValueTask InitializeAsync()
    {
        _cluster = await Cluster.StartAsync();
        File.Delete(_cluster.Folder.File("store/repository.json"));
    }

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task Join_ServiceComesUpAndMakesTheRepository_IsLetIn()
    {
        var tries = 0;
        _cluster.Service.RefuseJoin = join => tries++ == 0
            ? Made(new CheckpointerException(ErrorCode.ServiceUnavailable, "Not up yet.", isTransient: true))
            : Judge(join);

        Assert.Equal(JoinState.Granted, (await JoinAsync()).State);
        Assert.Equal(2, tries);
    }

    [Fact]
    public async Task Join_RepositoryMadeBetweenTheLookAndTheJoin_IsLetIn()
    {
        _cluster.Service.RefuseJoin = join => Judge(join) is { } refusal ? Made(refusal) : null;

        Assert.Equal(JoinState.Granted, (await JoinAsync()).State);
    }

    [Fact]
    public async Task Join_StoreWithoutRepository_IsRefusedAtOnce()
    {
        _cluster.Service.RefuseJoin = Judge;

        _ = await Cluster.RefusedAsync(ErrorCode.StoreMismatch, JoinAsync);
        Assert.Single(_cluster.Service.Joins);
    }

    private static CheckpointerException? Judge(JoinRun join) => join.Agent.Store?.Repository is null ? Mismatch : null;

    private async Task<Contracts.Trainers.JoinResponse> JoinAsync()
    {
        var node = await _cluster.StartNodeAsync();
        return await node.Trainer(new Rank(0), 1).JoinAsync("first");
    }

    private CheckpointerException Made(CheckpointerException refusal)
    {
        var store = ObjectStores.Open(_cluster.Folder.File("store"));
        _ = RepositoryIdentity.EnsureAsync(store, new Random(2), CancellationToken.None).GetAwaiter().GetResult();
        return refusal;
    }
}
